/**
 * What no object of some splats can be: places and weather without an outline, what is only felt or told, what cannot be
 * told from outside; and what nobody should be asked for.
 */
export const bannedWords: ReadonlySet<string> = new Set([
  ...["sky", "water", "ocean", "sea", "river", "lake", "waterfall", "rain", "snow", "fog", "mist"],
  ...["smoke", "fire", "flame", "cloud", "clouds", "wind", "storm", "lightning", "rainbow", "sun"],
  ...["moonlight", "sunlight", "sunset", "sunrise", "night", "galaxy", "universe", "space"],
  ...["landscape", "scenery", "scene", "horizon", "forest", "desert", "beach", "city", "street"],
  ...["village", "room", "background", "view", "world", "park", "garden", "jungle", "mountains"],
  ...["love", "joy", "freedom", "time", "dream", "idea", "music", "sound", "smell", "silence"],
  ...["invisible", "transparent", "shadow", "reflection", "hologram", "ghostly", "light", "dust"],
  ...["text", "logo", "word", "letter", "letters", "sign", "caption", "watermark", "photo"],
  ...["animation", "moving", "running", "flying", "dancing", "exploding", "crowd", "people"],
  ...["naked", "nude", "blood", "gore", "corpse", "weapon", "gun", "bomb", "swastika"],
]);
