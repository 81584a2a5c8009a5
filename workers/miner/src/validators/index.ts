export { followSubnet, type Subnet, type SubnetOptions } from "./follow-subnet.ts";
export { parseValidator, validatorForm } from "./parse.ts";
