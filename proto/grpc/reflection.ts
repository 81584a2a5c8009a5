/** The descriptors that a server's reflection service hands out. */
import { type DescFile, type DescService, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import type { ProtobufTypeDefinition } from "@grpc/grpc-js";
import { asBuffer } from "./method.ts";

/** Descriptors of the services' files and all that they import, as `new ReflectionService(…)` takes them. */
export function descriptorPackage(
  ...services: readonly DescService[]
): Record<string, ReflectedFiles> {
  return Object.fromEntries(
    services.map((service) => [
      service.typeName,
      {
        format: "Protocol Buffer 3 EnumDescriptorProto",
        type: {},
        fileDescriptorProtos: filesOf(service.file).map((file) =>
          asBuffer(toBinary(FileDescriptorProtoSchema, file.proto)),
        ),
      },
    ]),
  );
}

/** Reflection reads the files alone; of the kinds of entry it takes, this one asks for nothing else. */
interface ReflectedFiles extends ProtobufTypeDefinition {
  readonly format: "Protocol Buffer 3 EnumDescriptorProto";
}

/** A file after all those that it imports, each once. */
function filesOf(file: DescFile, seen: Set<DescFile> = new Set()): readonly DescFile[] {
  if (seen.has(file)) {
    return [];
  }
  seen.add(file);
  return [...file.dependencies.flatMap((dependency) => filesOf(dependency, seen)), file];
}
