/** What Node sees: `blendRecords`, where the processor has AVX2. See ../host.ts. */
#include <node_api.h>
#include "tile.h"

namespace {

/** Whether a tile and all that it names but its records lies in a memory of so many bytes. */
bool isInside(const char* memory, uint64_t bytes, uint64_t at) {
  const auto fits = [bytes](uint64_t place, uint64_t length) {
    return place % 4 == 0 && place + length <= bytes;
  };
  if (!fits(at, sizeof(Tile))) return false;
  const Tile& tile = *reinterpret_cast<const Tile*>(memory + at);
  return fits(tile.state, tileBytes) && tile.count >= 0 &&
    fits(tile.sorted, uint64_t(tile.count) * sizeof(Entry)) && tile.left >= 0 && tile.top >= 0 &&
    tile.columns > 0 && tile.columns <= tileSize && tile.rows > 0 && tile.rows <= tileSize;
}

napi_value call(napi_env env, napi_callback_info info) {
  napi_value args[3];
  size_t argc = 3;
  void* data = nullptr;
  size_t bytes = 0;
  uint32_t at = 0;
  int32_t from = 0;
  const bool isCall = napi_get_cb_info(env, info, &argc, args, nullptr, nullptr) == napi_ok &&
    napi_get_typedarray_info(env, args[0], nullptr, &bytes, &data, nullptr, nullptr) == napi_ok &&
    napi_get_value_uint32(env, args[1], &at) == napi_ok &&
    napi_get_value_int32(env, args[2], &from) == napi_ok;
  if (!isCall) {
    napi_throw_type_error(env, nullptr, "blendRecords takes a Uint8Array and two numbers");
    return nullptr;
  }
  char* memory = static_cast<char*>(data);
  int left = -1;
  if (from >= 0 && isInside(memory, bytes, at)) {
    // A copy, since pixels are drawn into the same memory.
    const Tile tile = *reinterpret_cast<const Tile*>(memory + at);
    left = blendRecords(memory, bytes, tile, from);
  }
  if (left < 0) {
    napi_throw_range_error(env, nullptr, "a tile or its records lie outside of the memory");
    return nullptr;
  }
  napi_value result;
  napi_create_int32(env, left, &result);
  return result;
}

}  // namespace

NAPI_MODULE_INIT() {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2")) {
    napi_value function;
    napi_create_function(env, "blendRecords", NAPI_AUTO_LENGTH, call, nullptr, &function);
    napi_set_named_property(env, exports, "blendRecords", function);
  }
  return exports;
}
