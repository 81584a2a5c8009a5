import { type Noun, type ObjectName, type Primitive, primitives } from "../../grammar/index.ts";
import type { Model } from "../model.ts";
import { animalModels } from "./animals.ts";
import { buildingModels } from "./buildings.ts";
import { gardenModels } from "./garden.ts";
import { homeModels } from "./home.ts";
import { kitchenModels } from "./kitchen.ts";
import { primitiveModels } from "./primitives.ts";
import { thingModels } from "./things.ts";
import { vehicleModels } from "./vehicles.ts";

const objectModels: Readonly<Record<ObjectName, () => Model>> = {
  ...homeModels,
  ...kitchenModels,
  ...gardenModels,
  ...animalModels,
  ...vehicleModels,
  ...buildingModels,
  ...thingModels,
};

const models = new Map<Noun, Model>();

/** Made at its first use, then kept. */
export function modelOf(noun: Noun): Model {
  let model = models.get(noun);
  if (model === undefined) {
    model = isPrimitive(noun) ? primitiveModels[noun]() : objectModels[noun]();
    models.set(noun, model);
  }
  return model;
}

function isPrimitive(noun: Noun): noun is Primitive {
  return primitives.some((primitive) => primitive === noun);
}
