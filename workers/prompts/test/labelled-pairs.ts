/** Pairs of prompts, labelled by hand: whether somebody who has made the one would call the other the same order. */
export interface LabelledPair {
  readonly first: string;
  readonly second: string;
  readonly isSame: boolean;
}

const same: readonly (readonly [string, string])[] = [
  ["a glossy red mug", "a red glossy mug"],
  ["a red glossy mug", "red glossy mugs"],
  ["the old wooden chair", "an old wooden chair"],
  ["a very old wooden chair", "an old wooden chair"],
  ["a chair made of dark wood", "a dark wood chair"],
  ["a glass vase with blue flowers", "blue flowers in a glass vase"],
  ["a blue and white striped teapot", "a white and blue striped teapot"],
  ["a bronze statue of a lion", "a bronze lion statue"],
  ["a small green cactus in a pot", "a small green cactus with a pot"],
  ["Purple velvet armchair", "a purple velvet armchair"],
  ["a stack of three orange pumpkins", "a stack of three orange pumpkin"],
  ["a toy car of yellow plastic", "a yellow plastic toy car"],
  ["a knight's helmet with a plume", "a knight's helmet with plumes"],
  ["a brass pocket watch on a chain", "a pocket watch of brass with a chain"],
  ["a cracked leather boot", "the cracked leather boots"],
  ["two green glass bottles", "two green glass bottle"],
  ["a marble bust of a woman", "marble bust of the woman"],
  ["a ripe yellow banana", "one ripe yellow banana"],
  ["a steampunk owl with brass goggles", "a steampunk owl in brass goggles"],
  ["an ornate silver dagger", "ornate silver daggers"],
  ["a carved wooden elephant", "an elephant carved from wooden"],
  ["a fluffy white rabbit", "some fluffy white rabbit"],
  ["a rusty iron anchor", "a rusty anchor of iron"],
  ["a pink frosted cupcake with sprinkles", "a pink frosted cupcake and sprinkles"],
  // Synonyms and other spellings: nothing of ours knows them
  ["a red sofa", "a red couch"],
  ["a gray stone lantern", "a grey stone lantern"],
  ["a small wooden boat", "a tiny wooden boat"],
];

const different: readonly (readonly [string, string])[] = [
  ["a glossy red mug", "a glossy blue mug"],
  ["a glossy red mug", "a matte red mug"],
  ["a red car", "a red cat"],
  ["a red car", "a car"],
  ["an old wooden chair", "an old wooden table"],
  ["an old wooden chair", "an old iron chair"],
  ["a blue and white striped teapot", "a blue and white dotted teapot"],
  ["a blue and white striped teapot", "a blue and red striped teapot"],
  ["a bronze statue of a lion", "a bronze statue of a horse"],
  ["a stack of three orange pumpkins", "a stack of two orange pumpkins"],
  ["a stack of three orange pumpkins", "a stack of three green pumpkins"],
  ["a small green cactus in a pot", "a small green frog in a pot"],
  ["a yellow plastic toy car", "a yellow plastic toy truck"],
  ["a knight's helmet with a plume", "a viking's helmet with horns"],
  ["a brass pocket watch", "a brass compass"],
  ["a cracked leather boot", "a cracked leather saddle"],
  ["a marble bust of a woman", "a marble bust of a man"],
  ["a steampunk owl", "a steampunk beetle"],
  ["an ornate silver dagger", "an ornate silver goblet"],
  ["a fluffy white rabbit", "a fluffy white dog"],
  ["a rusty iron anchor", "a rusty iron gate"],
  ["a pink frosted cupcake", "a pink frosted doughnut"],
  ["a tall glass lamp", "a tall metal lamp"],
  ["a large striped beach ball", "a large striped hot air balloon"],
  ["a purple velvet armchair", "a purple velvet cushion"],
  ["a wide gray truck", "a wide gray bus"],
  ["a guitar", "a violin"],
  ["a tiny white crown", "a tiny golden crown"],
  ["a green and blue checkered bus", "a green and blue checkered kite"],
  ["a matte blue heart", "a matte blue star"],
];

export const labelledPairs: readonly LabelledPair[] = [
  ...same.map(([first, second]) => ({ first, second, isSame: true })),
  ...different.map(([first, second]) => ({ first, second, isSame: false })),
];
