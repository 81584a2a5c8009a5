/** A default StorageClass whose volumes are folders here: one for each claim, kept as long as its claim. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ApiError, at } from "./api.mjs";
import { log } from "./util.mjs";

const provisioner = "local-folder";

export async function startStorage(api, directory) {
  const storageClass = {
    metadata: {
      name: provisioner,
      annotations: { "storageclass.kubernetes.io/is-default-class": "true" },
    },
    provisioner,
    reclaimPolicy: "Delete",
    volumeBindingMode: "Immediate",
    allowVolumeExpansion: true,
  };
  await api.post("/apis/storage.k8s.io/v1/storageclasses", storageClass).catch(ignoreExisting);
  api.follow("/api/v1/persistentvolumeclaims", {}, (type, claim) => {
    if (
      type !== "DELETED" &&
      claim.spec.storageClassName === provisioner &&
      !claim.spec.volumeName
    ) {
      provision(api, directory, claim).catch((error) =>
        log(`claim ${claim.metadata.name}: ${error.message}`),
      );
    }
  });
  api.follow("/api/v1/persistentvolumes", {}, (type, volume) => {
    if (
      type !== "DELETED" &&
      volume.spec.storageClassName === provisioner &&
      volume.status.phase === "Released" &&
      volume.spec.persistentVolumeReclaimPolicy === "Delete"
    ) {
      rmSync(volume.spec.hostPath.path, { recursive: true, force: true });
      api
        .delete(`/api/v1/persistentvolumes/${volume.metadata.name}`)
        .catch((error) => error.status === 404 || log(error.message));
    }
  });
}

async function provision(api, directory, { metadata, spec }) {
  const name = `pvc-${metadata.uid}`;
  const path = join(directory, name);
  // Like a fresh file system: owned by root, and with the folder that mkfs makes.
  mkdirSync(join(path, "lost+found"), { recursive: true, mode: 0o700 });
  await api
    .post("/api/v1/persistentvolumes", {
      metadata: { name, annotations: { "pv.kubernetes.io/provisioned-by": provisioner } },
      spec: {
        capacity: { storage: spec.resources.requests.storage },
        accessModes: spec.accessModes,
        volumeMode: spec.volumeMode,
        storageClassName: provisioner,
        persistentVolumeReclaimPolicy: "Delete",
        hostPath: { path },
        claimRef: {
          apiVersion: "v1",
          kind: "PersistentVolumeClaim",
          namespace: metadata.namespace,
          name: metadata.name,
          uid: metadata.uid,
        },
      },
    })
    .catch(ignoreExisting);
}

/** The folder of a claim; an error while it is not bound. */
export async function claimFolder(api, namespace, name) {
  const claim = await api.get(at(namespace, "persistentvolumeclaims", name));
  if (claim.status.phase !== "Bound") {
    throw new Error(`claim ${name} is ${claim.status.phase}`);
  }
  const volume = await api.get(`/api/v1/persistentvolumes/${claim.spec.volumeName}`);
  const path = volume.spec.hostPath?.path ?? volume.spec.local?.path;
  if (!path) {
    throw new Error(`volume ${claim.spec.volumeName}: only hostPath and local are supported`);
  }
  mkdirSync(path, { recursive: true });
  return path;
}

function ignoreExisting(error) {
  if (!(error instanceof ApiError && error.status === 409)) {
    throw error;
  }
}
