// What all kernels of a view share; ../painter.ts writes it. Workgroup memory is not cleared for them, see
// ../open-device.ts: what needs zeros writes them.

struct View {
  right: vec3f,
  focal: f32,
  down: vec3f,
  centre: f32,
  forward: vec3f,
  // Of x/z and y/z in the Jacobian.
  jacobianLimit: f32,
  eye: vec3f,
  count: u32,
  background: vec3f,
  shDegree: u32,
  // Of the picture, in pixels.
  size: u32,
  tilesAcross: u32,
  // Tile rows drawn in this go: from the first to before the end.
  firstRow: u32,
  endRow: u32,
  // Room in the lists of the tiles.
  pairCapacity: u32,
  isUnclamped: u32,
  // The bits of a depth that none of the scene's is below.
  leastDepth: u32,
}

// A splat as the camera sees it.
struct Projected {
  // Centre in pixels, log₂ of the opacity, reach in x in pixels.
  place: vec4f,
  // σ·log₂e = x·dx² + y·dx·dy + z·dy²; reach in y in pixels.
  conic: vec4f,
  colour: vec4f,
}

// The tiles that a splat touches: x in the lower, y in the upper half; from x to before y.
struct Extent {
  across: u32,
  along: u32,
}

// A list to be sorted, and what came of the view so far.
struct List {
  // Entries, and blocks of `perBlock` entries.
  count: u32,
  blocks: u32,
  // Entries that were to be made; more than `count` where they did not fit.
  wanted: u32,
  // How often a pixel looked at a splat.
  evaluations: atomic<u32>,
}

const tileSize = 16u;
// Threads of a workgroup.
const threads = 256u;
// Entries of a list that one workgroup sorts at a time.
const perThread = 8u;
const perBlock = threads * perThread;
