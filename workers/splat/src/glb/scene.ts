/** Where the meshes of a glTF stand: the transforms of its nodes, one in the other. */
import { type JsonObject, list, numbers, object, whole } from "../json.ts";
import { AssetError } from "../splat.ts";
import {
  determinant,
  identity,
  type Matrix3,
  multiply,
  type Similarity,
} from "../transform/index.ts";
import { apply, rotationOf, scaled, transpose, type Vector3 } from "../transform/matrix.ts";

export interface PlacedMesh {
  readonly mesh: JsonObject;
  readonly place: Similarity;
}

/** More are no asset; and a loop of nodes ends here. */
const mostNodes = 10_000;

interface Affine {
  readonly linear: Matrix3;
  readonly offset: Vector3;
}

const nowhere: Affine = { linear: identity, offset: [0, 0, 0] };

/** The meshes of the default scene; without one, those below all nodes that no other node holds. @throws AssetError */
export function placedMeshes(json: JsonObject): readonly PlacedMesh[] {
  const nodes = list(json.nodes, "nodes").map((node) => object(node, "a node"));
  const meshes = list(json.meshes, "meshes");
  const found: PlacedMesh[] = [];
  // Not by recursion: nodes may hold each other in a long chain, or in a circle.
  const waiting = rootsOf(json, nodes)
    .toReversed()
    .map((index) => ({ index, above: nowhere }));
  let visited = 0;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (++visited > mostNodes) {
      throw new AssetError(
        "too-large",
        `the GLB has more than ${mostNodes} nodes, or a loop of them`,
      );
    }
    const node = object(nodes[whole(next.index, "a node")], "a node");
    const here = combine(next.above, affineOf(node));
    if (node.mesh !== undefined) {
      const mesh = object(meshes[whole(node.mesh, "a mesh")], "a mesh");
      found.push({ mesh, place: similarityOf(here) });
    }
    const children = list(node.children, "children");
    if (waiting.length + children.length > mostNodes) {
      throw new AssetError("too-large", `the GLB has more than ${mostNodes} nodes`);
    }
    // Taken from the end, so the first child comes first.
    for (const index of children.toReversed()) {
      waiting.push({ index, above: here });
    }
  }
  return found;
}

function rootsOf(json: JsonObject, nodes: readonly JsonObject[]): readonly unknown[] {
  const scenes = list(json.scenes, "scenes");
  if (scenes.length > 0) {
    return list(object(scenes[whole(json.scene, "scene", 0)], "the scene").nodes, "its nodes");
  }
  const held = new Set(nodes.flatMap((node) => list(node.children, "children")));
  return nodes.flatMap((_, index) => (held.has(index) ? [] : [index]));
}

function affineOf(node: JsonObject): Affine {
  if (node.matrix !== undefined) {
    const m = numbers(node.matrix, 16, "the matrix of a node"); // by columns
    const at = (row: number, column: number): number => m[column * 4 + row] ?? 0;
    const row = (r: number): Vector3 => [at(r, 0), at(r, 1), at(r, 2)];
    return { linear: [row(0), row(1), row(2)], offset: [at(0, 3), at(1, 3), at(2, 3)] };
  }
  const [x = 0, y = 0, z = 0, w = 1] = numbers(node.rotation ?? [0, 0, 0, 1], 4, "a rotation");
  const [sx = 1, sy = 1, sz = 1] = numbers(node.scale ?? [1, 1, 1], 3, "a scale");
  const [ox = 0, oy = 0, oz = 0] = numbers(node.translation ?? [0, 0, 0], 3, "a translation");
  if (w * w + x * x + y * y + z * z === 0) {
    throw uneven("has a rotation of length 0");
  }
  const stretch: Matrix3 = [
    [sx, 0, 0],
    [0, sy, 0],
    [0, 0, sz],
  ];
  return { linear: multiply(rotationOf([w, x, y, z]), stretch), offset: [ox, oy, oz] };
}

function combine(outer: Affine, inner: Affine): Affine {
  const [x, y, z] = apply(outer.linear, inner.offset);
  const [ox, oy, oz] = outer.offset;
  return { linear: multiply(outer.linear, inner.linear), offset: [x + ox, y + oy, z + oz] };
}

/** How unequal the squares of a node's scales may be by rounding. */
const tolerance = 1e-4;

/** @throws AssetError when a node stretches: a splat has no shape for that and its harmonics neither */
function similarityOf({ linear, offset }: Affine): Similarity {
  const scale = Math.cbrt(Math.abs(determinant(linear)));
  if (!(scale > 0)) {
    throw uneven("scales it to nothing");
  }
  const matrix = scaled(linear, 1 / scale);
  const square = multiply(matrix, transpose(matrix));
  const isEven = square.every((row, r) =>
    row.every((value, c) => Math.abs(value - (r === c ? 1 : 0)) < tolerance),
  );
  if (!isEven) {
    throw uneven("scales it unevenly or skews it, which is not read");
  }
  return { matrix, scale, offset };
}

function uneven(what: string): AssetError {
  return new AssetError("malformed", `a node of the GLB ${what}`);
}
