// cuMemAlloc and its like. What is allocated or freed on a stream is so at once: everything runs when it is called for.
#include "driver.h"

using namespace cuda_emulator;

struct CUmemPoolHandle_st {
    int device;
    uint64_t release_threshold;
};

static CUmemPoolHandle_st *pool_of(int device) {
    static std::vector<CUmemPoolHandle_st> *pools = [] {
        auto *all = new std::vector<CUmemPoolHandle_st>;
        for (int i = 0; i < settings().devices; i++) all->push_back({i, 0});
        return all;
    }();
    return &(*pools)[static_cast<size_t>(device)];
}

static CUresult allocate_on_device(CUdeviceptr *pointer, size_t bytes, int device) {
    void *memory = nullptr;
    CUresult error = allocate(&memory, bytes, device);
    if (error == CUDA_SUCCESS) *pointer = reinterpret_cast<CUdeviceptr>(memory);
    return error;
}

// Of no bytes, cuMemAlloc makes an error of it, as documented. From a pool it succeeds: programs that have empty tensors run on
// devices with pools and fail on those without (dfdx, issue 870; cudarc, issue 194). That the pointer is null is assumed.
static CUresult allocate_from_pool(CUdeviceptr *pointer, size_t bytes, int device) {
    *pointer = 0;
    return bytes ? allocate_on_device(pointer, bytes, device) : CUDA_SUCCESS;
}

CUDA_EMULATOR_API CUresult cuMemAlloc(CUdeviceptr *pointer, size_t bytes) {
    if (CUresult error = standing_in_context()) return error;
    if (!pointer) return CUDA_ERROR_INVALID_VALUE;
    return allocate_on_device(pointer, bytes, current_device());
}

CUDA_EMULATOR_API CUresult cuMemFree(CUdeviceptr pointer) {
    if (CUresult error = standing_in_context()) return error;
    if (!pointer) return CUDA_SUCCESS;
    return release(reinterpret_cast<void *>(pointer), false, "cuMemFree");
}

CUDA_EMULATOR_API CUresult cuMemAllocAsync(CUdeviceptr *pointer, size_t bytes, CUstream stream) {
    if (CUresult error = standing_in_context()) return error;
    if (!pointer) return CUDA_ERROR_INVALID_VALUE;
    if (!is_stream(stream, "cuMemAllocAsync")) return CUDA_ERROR_INVALID_HANDLE;
    return allocate_from_pool(pointer, bytes, current_device());
}

CUDA_EMULATOR_API CUresult cuMemAllocFromPoolAsync(CUdeviceptr *pointer, size_t bytes, CUmemoryPool pool, CUstream stream) {
    if (CUresult error = standing_in_context()) return error;
    if (!pointer || !pool) return CUDA_ERROR_INVALID_VALUE;
    if (!is_stream(stream, "cuMemAllocFromPoolAsync")) return CUDA_ERROR_INVALID_HANDLE;
    return allocate_from_pool(pointer, bytes, pool->device);
}

CUDA_EMULATOR_API CUresult cuMemFreeAsync(CUdeviceptr pointer, CUstream stream) {
    if (CUresult error = standing_in_context()) return error;
    if (!is_stream(stream, "cuMemFreeAsync")) return CUDA_ERROR_INVALID_HANDLE;
    if (!pointer) return CUDA_SUCCESS;
    return release(reinterpret_cast<void *>(pointer), false, "cuMemFreeAsync");
}

CUDA_EMULATOR_API CUresult cuMemHostAlloc(void **pointer, size_t bytes, unsigned) {
    if (CUresult error = standing_in_context()) return error;
    return allocate(pointer, bytes, HOST);
}

CUDA_EMULATOR_API CUresult cuMemAllocHost(void **pointer, size_t bytes) {
    if (CUresult error = standing_in_context()) return error;
    return allocate(pointer, bytes, HOST);
}

CUDA_EMULATOR_API CUresult cuMemFreeHost(void *pointer) {
    if (CUresult error = standing_in_context()) return error;
    return release(pointer, true, "cuMemFreeHost");
}

CUDA_EMULATOR_API CUresult cuMemHostGetDevicePointer(CUdeviceptr *device, void *pointer, unsigned) {
    if (CUresult error = standing_in_context()) return error;
    if (!device) return CUDA_ERROR_INVALID_VALUE;
    *device = reinterpret_cast<CUdeviceptr>(pointer);
    return CUDA_SUCCESS;
}

CUDA_EMULATOR_API CUresult cuMemGetInfo(size_t *free_bytes, size_t *total_bytes) {
    if (CUresult error = standing_in_context()) return error;
    size_t free = 0, total = 0;
    memory_free(current_device(), &free, &total);
    if (free_bytes) *free_bytes = free;
    if (total_bytes) *total_bytes = total;
    return CUDA_SUCCESS;
}

CUDA_EMULATOR_API CUresult cuDeviceGetDefaultMemPool(CUmemoryPool *pool, CUdevice device) {
    if (CUresult error = standing()) return error;
    if (!pool) return CUDA_ERROR_INVALID_VALUE;
    if (!is_device(device)) return CUDA_ERROR_INVALID_DEVICE;
    *pool = pool_of(device);
    return CUDA_SUCCESS;
}

CUDA_EMULATOR_API CUresult cuDeviceGetMemPool(CUmemoryPool *pool, CUdevice device) {
    return cuDeviceGetDefaultMemPool(pool, device);
}

CUDA_EMULATOR_API CUresult cuMemPoolTrimTo(CUmemoryPool pool, size_t) {
    if (CUresult error = standing()) return error;
    return pool ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUDA_EMULATOR_API CUresult cuMemPoolSetAttribute(CUmemoryPool pool, CUmemPool_attribute attribute, void *value) {
    if (CUresult error = standing()) return error;
    if (!pool || !value) return CUDA_ERROR_INVALID_VALUE;
    if (attribute == CU_MEMPOOL_ATTR_RELEASE_THRESHOLD) pool->release_threshold = *static_cast<cuuint64_t *>(value);
    return CUDA_SUCCESS;
}

CUDA_EMULATOR_API CUresult cuMemPoolGetAttribute(CUmemoryPool pool, CUmemPool_attribute attribute, void *value) {
    if (CUresult error = standing()) return error;
    if (!pool || !value) return CUDA_ERROR_INVALID_VALUE;
    size_t free = 0, total = 0;
    memory_free(pool->device, &free, &total);
    switch (attribute) {
    case CU_MEMPOOL_ATTR_REUSE_FOLLOW_EVENT_DEPENDENCIES:
    case CU_MEMPOOL_ATTR_REUSE_ALLOW_OPPORTUNISTIC:
    case CU_MEMPOOL_ATTR_REUSE_ALLOW_INTERNAL_DEPENDENCIES: *static_cast<int *>(value) = 1; return CUDA_SUCCESS;
    case CU_MEMPOOL_ATTR_RELEASE_THRESHOLD: *static_cast<cuuint64_t *>(value) = pool->release_threshold; return CUDA_SUCCESS;
    case CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT:
    case CU_MEMPOOL_ATTR_USED_MEM_CURRENT: *static_cast<cuuint64_t *>(value) = total - free; return CUDA_SUCCESS;
    case CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH:
    case CU_MEMPOOL_ATTR_USED_MEM_HIGH: *static_cast<cuuint64_t *>(value) = memory_counts().peak_bytes; return CUDA_SUCCESS;
    default: complain("cuMemPoolGetAttribute: the attribute %d is not emulated", attribute); return CUDA_ERROR_INVALID_VALUE;
    }
}
