/**
 * What has to hold between the tables, whatever happened to the process: the modules that write them keep it, each in
 * its transactions. Said once more in SQL, so that nobody's own bookkeeping vouches for itself.
 */
export interface Invariant {
  readonly name: string;
  readonly rule: string;
  /** What is counted as looked at: a table, perhaps with a WHERE. */
  readonly seen: string;
  /**
   * A query whose column `fault` says of each thing that is wrong what it is. `:since` is the begin of the miners'
   * window, ms since 1970 UTC.
   */
  readonly broken: string;
}

/** Averages are the same sums in the same order, so only what printing and parsing might change is allowed. */
const averageTolerance = 1e-9;

export const invariants: readonly Invariant[] = [
  {
    name: "submissions",
    rule: "each submission has one verdict, its assignment's, or waits for it",
    seen: "submissions",
    broken: `
      SELECT 'submission ' || s.id || ' is ' || coalesce(s.verdict, 'without a verdict') ||
          ', its assignment ' || a.state AS fault
        FROM submissions s JOIN assignments a ON a.id = s.id WHERE coalesce(s.verdict, 'scoring') <> a.state
      UNION ALL
      SELECT 'submission ' || id || ' has verdict ' || coalesce(verdict, 'none') || ', the miner was told ' ||
          coalesce(feedback ->> 'verdict', 'none')
        FROM submissions WHERE verdict IS NOT feedback ->> 'verdict'
      UNION ALL
      SELECT 'submission ' || id || ' has ' || iif(verdict IS NULL, 'no verdict', 'a verdict') || ' and ' ||
          iif(ended_at IS NULL, 'no end', 'an end')
        FROM submissions WHERE (verdict IS NULL) <> (ended_at IS NULL)
      UNION ALL
      SELECT 'assignment ' || id || ' waits for a verdict and has no submission'
        FROM assignments WHERE state = 'scoring' AND id NOT IN (SELECT id FROM submissions)`,
  },
  {
    name: "verdicts",
    rule: "each assignment was judged once, and has that verdict",
    seen: "verdicts WHERE assignment_id IS NOT NULL",
    // A fault of ours may be overruled, and a score replaced; what is given back is rejected without having been judged. Of a
    // group, the columns beside max() are those of its row.
    broken: `
      SELECT 'assignment ' || assignment_id || ' was judged ' || count(*) || ' times' AS fault
        FROM verdicts WHERE assignment_id IS NOT NULL AND verdict <> 'system-fault' AND code <> 'score-replaced'
        GROUP BY assignment_id HAVING count(*) > 1
      UNION ALL
      SELECT 'assignment ' || a.id || ' is ' || a.state || ', its last verdict ' || v.verdict
        FROM (SELECT assignment_id, verdict, code, max(id) FROM verdicts WHERE assignment_id IS NOT NULL
          GROUP BY assignment_id) v
        JOIN assignments a ON a.id = v.assignment_id
        WHERE a.state <> iif(v.code = 'given-back', 'abandoned', v.verdict)`,
  },
  {
    name: "observations",
    rule: "each observation has one accepted verdict or replaced score behind it, and each accepted verdict one observation",
    seen: "observations",
    // A miner's tries at one task are rewarded once. What is withdrawn, or was rejected, has fidelity 0.
    broken: `
      SELECT 'the observation of ' || o.assignment_id || ' is ' || o.hotkey || '''s and pays ' || o.fidelity ||
          '; the assignment is ' || a.hotkey || '''s and ' || a.state AS fault
        FROM observations o JOIN assignments a ON a.id = o.assignment_id
        WHERE a.hotkey <> o.hotkey OR (o.fidelity > 0 AND a.state <> 'accepted' AND a.id NOT IN
          (SELECT assignment_id FROM verdicts WHERE code = 'score-replaced'))
      UNION ALL
      SELECT 'the observation of ' || assignment_id || ' is in the window, its assignment is not there'
        FROM observations WHERE at > :since AND assignment_id NOT IN (SELECT id FROM assignments)
      UNION ALL
      SELECT 'the observation of ' || o.assignment_id || ' pays ' || o.fidelity || ', its verdict ' || v.fidelity
        FROM observations o JOIN (SELECT assignment_id, verdict, code, fidelity, max(id) FROM verdicts
          WHERE assignment_id IS NOT NULL GROUP BY assignment_id) v ON v.assignment_id = o.assignment_id
        WHERE (v.verdict = 'accepted' OR v.code = 'score-replaced') AND o.fidelity NOT IN (0, v.fidelity)
      UNION ALL
      SELECT 'assignment ' || id || ' was accepted within the window and has no observation'
        FROM assignments a WHERE state = 'accepted' AND ended_at > :since
          AND id NOT IN (SELECT assignment_id FROM observations)
          AND NOT EXISTS (SELECT 1 FROM assignments other WHERE other.task_id = a.task_id
            AND other.hotkey = a.hotkey AND other.id <> a.id AND other.state = 'accepted')`,
  },
  {
    name: "averages",
    rule: "each miner's average follows, computed again, from its verdicts",
    seen: "verdicts WHERE average_share IS NOT NULL",
    broken: `
      SELECT 'the average of ' || hotkey || ' after verdict ' || id || ' is ' || average_fidelity || ', not ' ||
          (before + average_share * (fidelity - before)) AS fault
        FROM (SELECT *, lag(average_fidelity) OVER (PARTITION BY hotkey ORDER BY id) AS before FROM verdicts)
        WHERE before IS NOT NULL AND average_share IS NOT NULL
          AND abs(before + average_share * (fidelity - before) - average_fidelity) > ${averageTolerance}
      UNION ALL
      SELECT 'the average of ' || m.hotkey || ' is ' || m.average_fidelity || ', after its last verdict it was ' ||
          v.average_fidelity
        FROM miners m JOIN (SELECT hotkey, average_fidelity, max(id) FROM verdicts GROUP BY hotkey) v
          ON v.hotkey = m.hotkey
        WHERE m.average_fidelity <> v.average_fidelity`,
  },
  {
    name: "audits",
    rule: "each audit is of a submission with its verdict, and has ended with an outcome or not at all",
    seen: "audits",
    broken: `
      SELECT 'audit ' || a.id || ' is of ' || a.submission || ', which has no verdict' AS fault
        FROM audits a JOIN submissions s ON s.id = a.submission WHERE s.verdict IS NULL
      UNION ALL
      SELECT 'audit ' || id || ' has ' || iif(outcome IS NULL, 'no outcome', 'an outcome') || ' and ' ||
          iif(ended_at IS NULL, 'no end', 'an end')
        FROM audits WHERE (outcome IS NULL) <> (ended_at IS NULL)
      UNION ALL
      SELECT 'audit ' || id || ' ended as ' || outcome || ' and names ' || coalesce(drifted, 'nobody')
        FROM audits WHERE outcome IS NOT NULL AND (outcome = 'drifted') <> (drifted IS NOT NULL)`,
  },
  {
    name: "storage",
    rule: "each asset that waits to be stored outside was accepted, is kept, and was not stored",
    seen: "storage_queue",
    broken: `
      SELECT 'submission ' || q.id || ' waits for ' || q.target || '; it is ' || coalesce(s.verdict, 'without a verdict') ||
          iif(s.keep IS NULL, ', and its asset was removed', '') AS fault
        FROM storage_queue q JOIN submissions s ON s.id = q.id WHERE s.verdict IS NOT 'accepted' OR s.keep IS NULL
      UNION ALL
      SELECT 'submission ' || q.id || ' waits for ' || q.target || ', where its asset is'
        FROM storage_queue q JOIN stored_assets a ON a.asset_sha256 = q.asset_sha256 AND a.target = q.target
        WHERE a.expires_at IS NULL OR a.expires_at > q.queued_at`,
  },
  {
    name: "tasks",
    rule: "each task has ended or is open, and has succeeded with an accepted assignment of its own",
    seen: "tasks",
    broken: `
      SELECT 'task ' || id || ' is ' || state || iif(ended_at IS NULL, ' and has no end', ' and has an end') AS fault
        FROM tasks WHERE (ended_at IS NULL) <> (state IN ('queued', 'assigned', 'scoring'))
      UNION ALL
      SELECT 'task ' || t.id || ' has succeeded with ' || coalesce(t.best_assignment, 'nothing') ||
          coalesce(', which is ' || a.state, '')
        FROM tasks t LEFT JOIN assignments a ON a.id = t.best_assignment
        WHERE t.state = 'succeeded' AND (a.state IS NOT 'accepted' OR a.task_id IS NOT t.id)
      UNION ALL
      SELECT 'assignment ' || id || ' is ' || state || iif(ended_at IS NULL, ' and has no end', ' and has an end')
        FROM assignments WHERE (ended_at IS NULL) <> (state IN ('generating', 'scoring'))`,
  },
  {
    name: "events",
    rule: "each task's events are numbered without gaps, and end with its state",
    seen: "task_events",
    broken: `
      SELECT 'task ' || t.id || ' is ' || t.state || '; it has ' || e.count || ' events, the last one ' || e.last ||
          ': ' || e.state AS fault
        FROM tasks t JOIN (SELECT task_id, state, count(*) AS count, max(sequence) AS last FROM task_events
          GROUP BY task_id) e ON e.task_id = t.id
        WHERE e.count <> e.last OR e.state <> t.state`,
  },
];
