// The devices: each pretends to be an H100 SXM with settings().memory_bytes of memory, or one of another compute capability
// with that one's shared memory.
#include "driver.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace cuda_emulator;

namespace cuda_emulator {
namespace {

struct Attribute {
    CUdevice_attribute attribute;
    int value;
};

constexpr Attribute ATTRIBUTES[] = {
    {CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK, 1024},
    {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X, 1024},
    {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y, 1024},
    {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z, 64},
    {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X, 2147483647},
    {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y, 65535},
    {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z, 65535},
    {CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK, 49152},
    {CU_DEVICE_ATTRIBUTE_RESERVED_SHARED_MEMORY_PER_BLOCK, 1024},
    {CU_DEVICE_ATTRIBUTE_TOTAL_CONSTANT_MEMORY, 65536},
    {CU_DEVICE_ATTRIBUTE_WARP_SIZE, 32},
    {CU_DEVICE_ATTRIBUTE_MAX_PITCH, 2147483647},
    {CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK, 65536},
    {CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR, 65536},
    {CU_DEVICE_ATTRIBUTE_CLOCK_RATE, 1980000},
    {CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE, 2619000},
    {CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH, 5120},
    {CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE, 52428800},
    {CU_DEVICE_ATTRIBUTE_MAX_PERSISTING_L2_CACHE_SIZE, 32768000},
    {CU_DEVICE_ATTRIBUTE_MAX_ACCESS_POLICY_WINDOW_SIZE, 134213632},
    {CU_DEVICE_ATTRIBUTE_TEXTURE_ALIGNMENT, 512},
    {CU_DEVICE_ATTRIBUTE_SURFACE_ALIGNMENT, 512},
    {CU_DEVICE_ATTRIBUTE_GPU_OVERLAP, 1},
    {CU_DEVICE_ATTRIBUTE_ASYNC_ENGINE_COUNT, 3},
    {CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, 132},
    {CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR, 2048},
    {CU_DEVICE_ATTRIBUTE_MAX_BLOCKS_PER_MULTIPROCESSOR, 32},
    {CU_DEVICE_ATTRIBUTE_KERNEL_EXEC_TIMEOUT, 0},
    {CU_DEVICE_ATTRIBUTE_INTEGRATED, 0},
    {CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY, 1},
    {CU_DEVICE_ATTRIBUTE_COMPUTE_MODE, 0},
    {CU_DEVICE_ATTRIBUTE_CONCURRENT_KERNELS, 1},
    {CU_DEVICE_ATTRIBUTE_ECC_ENABLED, 1},
    {CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID, 0},
    {CU_DEVICE_ATTRIBUTE_TCC_DRIVER, 0},
    {CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING, 1},
    {CU_DEVICE_ATTRIBUTE_STREAM_PRIORITIES_SUPPORTED, 1},
    {CU_DEVICE_ATTRIBUTE_GLOBAL_L1_CACHE_SUPPORTED, 1},
    {CU_DEVICE_ATTRIBUTE_LOCAL_L1_CACHE_SUPPORTED, 1},
    {CU_DEVICE_ATTRIBUTE_MANAGED_MEMORY, 0},
    {CU_DEVICE_ATTRIBUTE_CONCURRENT_MANAGED_ACCESS, 0},
    {CU_DEVICE_ATTRIBUTE_PAGEABLE_MEMORY_ACCESS, 0},
    {CU_DEVICE_ATTRIBUTE_MULTI_GPU_BOARD, 0},
    {CU_DEVICE_ATTRIBUTE_COMPUTE_PREEMPTION_SUPPORTED, 1},
    {CU_DEVICE_ATTRIBUTE_CAN_USE_HOST_POINTER_FOR_REGISTERED_MEM, 1},
    {CU_DEVICE_ATTRIBUTE_COOPERATIVE_LAUNCH, 0},
    {CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED, 1},
    {CU_DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED, 0},
    {CU_DEVICE_ATTRIBUTE_CLUSTER_LAUNCH, 0},
};

} // namespace

struct SharedMemory {
    int compute_capability;
    size_t on_request_bytes;
    size_t multiprocessor_bytes;
};

// CUDA C++ Programming Guide, "Technical Specifications per Compute Capability". A block has 1 KiB less than a multiprocessor.
static const SharedMemory &shared_memory() {
    static constexpr SharedMemory BY_CAPABILITY[] = {
        {75, 64 << 10, 64 << 10},    {80, 163 << 10, 164 << 10},  {86, 99 << 10, 100 << 10},
        {87, 163 << 10, 164 << 10},  {89, 99 << 10, 100 << 10},   {90, 227 << 10, 228 << 10},
        {100, 227 << 10, 228 << 10}, {103, 227 << 10, 228 << 10}, {120, 99 << 10, 100 << 10},
    };
    for (const SharedMemory &known : BY_CAPABILITY) {
        if (known.compute_capability == settings().compute_capability) return known;
    }
    complain("devices of compute capability %d are not emulated", settings().compute_capability);
    std::abort();
}

size_t shared_bytes_on_request() { return shared_memory().on_request_bytes; }
size_t shared_bytes_of_multiprocessor() { return shared_memory().multiprocessor_bytes; }

bool is_device(CUdevice device) { return device >= 0 && device < settings().devices; }

} // namespace cuda_emulator

CUDA_EMULATOR_API CUresult cuInit(unsigned flags) {
    if (flags) return CUDA_ERROR_INVALID_VALUE;
    if (settings().devices <= 0) return CUDA_ERROR_NO_DEVICE;
    static const bool once = [] {
        print_counts_at_exit();
        return true;
    }();
    (void)once;
    initialise();
    return CUDA_SUCCESS;
}

CUDA_EMULATOR_API CUresult cuDriverGetVersion(int *version) {
    if (!version) return CUDA_ERROR_INVALID_VALUE;
    *version = settings().driver_version;
    return CUDA_SUCCESS;
}

CUDA_EMULATOR_API CUresult cuDeviceGetCount(int *count) {
    if (CUresult error = standing()) return error;
    if (!count) return CUDA_ERROR_INVALID_VALUE;
    *count = settings().devices;
    return CUDA_SUCCESS;
}

CUDA_EMULATOR_API CUresult cuDeviceGet(CUdevice *device, int ordinal) {
    if (CUresult error = standing()) return error;
    if (!device) return CUDA_ERROR_INVALID_VALUE;
    if (!is_device(ordinal)) return CUDA_ERROR_INVALID_DEVICE;
    *device = ordinal;
    return CUDA_SUCCESS;
}

CUDA_EMULATOR_API CUresult cuDeviceGetName(char *name, int bytes, CUdevice device) {
    if (CUresult error = standing()) return error;
    if (!name || bytes <= 0) return CUDA_ERROR_INVALID_VALUE;
    if (!is_device(device)) return CUDA_ERROR_INVALID_DEVICE;
    std::snprintf(name, static_cast<size_t>(bytes), "nearsay CUDA emulator");
    return CUDA_SUCCESS;
}

static CUresult get_uuid(CUuuid *uuid, CUdevice device) {
    if (CUresult error = standing()) return error;
    if (!uuid) return CUDA_ERROR_INVALID_VALUE;
    if (!is_device(device)) return CUDA_ERROR_INVALID_DEVICE;
    std::memcpy(uuid->bytes, "nearsay emulator", sizeof uuid->bytes);
    uuid->bytes[0] = static_cast<char>(device);
    return CUDA_SUCCESS;
}

#undef cuDeviceGetUuid
CUDA_EMULATOR_API CUresult cuDeviceGetUuid(CUuuid *uuid, CUdevice device) { return get_uuid(uuid, device); }
CUDA_EMULATOR_API CUresult cuDeviceGetUuid_v2(CUuuid *uuid, CUdevice device) { return get_uuid(uuid, device); }

CUDA_EMULATOR_API CUresult cuDeviceTotalMem(size_t *bytes, CUdevice device) {
    if (CUresult error = standing()) return error;
    if (!bytes) return CUDA_ERROR_INVALID_VALUE;
    if (!is_device(device)) return CUDA_ERROR_INVALID_DEVICE;
    *bytes = settings().memory_bytes;
    return CUDA_SUCCESS;
}

CUDA_EMULATOR_API CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice device) {
    if (CUresult error = standing()) return error;
    if (!value) return CUDA_ERROR_INVALID_VALUE;
    if (!is_device(device)) return CUDA_ERROR_INVALID_DEVICE;
    switch (attribute) {
    case CU_DEVICE_ATTRIBUTE_PCI_BUS_ID:
    case CU_DEVICE_ATTRIBUTE_PCI_DEVICE_ID: *value = device; return CUDA_SUCCESS;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR: *value = settings().compute_capability / 10; return CUDA_SUCCESS;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR: *value = settings().compute_capability % 10; return CUDA_SUCCESS;
    case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN:
        *value = static_cast<int>(shared_bytes_on_request());
        return CUDA_SUCCESS;
    case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR:
        *value = static_cast<int>(shared_bytes_of_multiprocessor());
        return CUDA_SUCCESS;
    default: break;
    }
    for (const Attribute &known : ATTRIBUTES) {
        if (known.attribute != attribute) continue;
        *value = known.value;
        return CUDA_SUCCESS;
    }
    complain("cuDeviceGetAttribute: the attribute %d is not emulated", attribute);
    return CUDA_ERROR_INVALID_VALUE;
}

CUDA_EMULATOR_API CUresult cuDeviceCanAccessPeer(int *can, CUdevice device, CUdevice peer) {
    if (CUresult error = standing()) return error;
    if (!can) return CUDA_ERROR_INVALID_VALUE;
    if (!is_device(device) || !is_device(peer)) return CUDA_ERROR_INVALID_DEVICE;
    *can = 0;
    return CUDA_SUCCESS;
}
