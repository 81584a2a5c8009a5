/** What pages ask of the viewer, which is loaded when something is looked at. */

/** One of the cameras that an asset was scored with, as its report has it. */
export interface ScoredCamera {
  readonly azimuthDeg: number;
  /** Negative looks from above (the subnet's convention). */
  readonly elevationDeg: number;
  /** Of the prompt, 0 to 1. */
  readonly probability: number;
}

/** What lies behind the splats; `scored` is the profile's own, with which they were scored. */
export type Background = "scored" | "black" | "white" | "checker";

/** The bytes of an asset in any format that the subnet takes, or what fetches them. */
export type AssetSource = Uint8Array | ((signal: AbortSignal) => Promise<Uint8Array>);

export interface ViewerOptions {
  readonly source: AssetSource;
  /** In the order of the report; without any the asset is orbited freely. */
  readonly cameras?: readonly ScoredCamera[] | undefined;
  /** Name of the scoring profile, which knows the cameras' distance and field of view. */
  readonly profile?: string | undefined;
  readonly background?: Background | undefined;
  /** What is seen, for those who do not see it. */
  readonly caption: string;
}

/** Where the eye is: a scored camera by its number from 0, or a free one. */
export type ViewerCamera =
  | { readonly kind: "scored"; readonly view: number }
  | {
      readonly kind: "free";
      readonly azimuthDeg: number;
      readonly elevationDeg: number;
      readonly radius: number;
    };

/** A viewer on the page; disposed when it leaves it. */
export interface Viewer extends Disposable {
  /** Looks from there, without telling `onCamera`'s listeners: two viewers can be linked both ways. */
  setCamera(camera: ViewerCamera): void;
  /** Tells of every camera that a person chose. @returns what ends that */
  onCamera(listener: (camera: ViewerCamera) => void): () => void;
  /** What is looked at now, square. @param size in pixels along an edge. @throws Error while nothing is shown */
  picture(size: number): Promise<ImageData>;
}

export type MountViewer = (element: HTMLElement, options: ViewerOptions) => Viewer;

export interface ContactSheetOptions {
  readonly bytes: Uint8Array;
  readonly cameras: readonly ScoredCamera[];
  readonly profile: string;
  /** Width and height of a picture, in device pixels. */
  readonly sizePixels: number;
  readonly signal: AbortSignal;
  /** Called once for each camera, as its picture is ready. */
  readonly onView: (view: number, picture: ImageData) => void;
}

/** Draws what was scored, with the rasteriser that scores, off the main thread. */
export type DrawContactSheet = (options: ContactSheetOptions) => Promise<void>;
