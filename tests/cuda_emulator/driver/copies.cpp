// Copies and fills. Both ends must lie in memory of their kind.
#include "driver.h"

#include <cstring>

using namespace cuda_emulator;

static const void *address(CUdeviceptr pointer) { return reinterpret_cast<const void *>(pointer); }

static CUresult to_device(CUdeviceptr to, const void *from, size_t bytes, const char *call) {
    if (CUresult error = standing_in_context()) return error;
    if (!bytes) return CUDA_SUCCESS;
    if (!from || !lies_in_device_memory(address(to), bytes, current_device(), call) || !is_host_memory(from, call))
        return CUDA_ERROR_INVALID_VALUE;
    std::memcpy(reinterpret_cast<void *>(to), from, bytes);
    count_copy(bytes, 0, 0);
    return CUDA_SUCCESS;
}

static CUresult to_host(void *to, CUdeviceptr from, size_t bytes, const char *call) {
    if (CUresult error = standing_in_context()) return error;
    if (!bytes) return CUDA_SUCCESS;
    if (!to || !lies_in_device_memory(address(from), bytes, current_device(), call) || !is_host_memory(to, call))
        return CUDA_ERROR_INVALID_VALUE;
    std::memcpy(to, address(from), bytes);
    count_copy(0, bytes, 0);
    return CUDA_SUCCESS;
}

static CUresult on_device(CUdeviceptr to, CUdeviceptr from, size_t bytes, int device, const char *call) {
    if (CUresult error = standing_in_context()) return error;
    if (!bytes) return CUDA_SUCCESS;
    if (!lies_in_device_memory(address(to), bytes, device, call) || !lies_in_device_memory(address(from), bytes, device, call))
        return CUDA_ERROR_INVALID_VALUE;
    if (to < from + bytes && from < to + bytes && to != from) {
        complain("%s: the source and the destination overlap", call);
        return CUDA_ERROR_INVALID_VALUE;
    }
    std::memmove(reinterpret_cast<void *>(to), address(from), bytes);
    count_copy(0, 0, bytes);
    return CUDA_SUCCESS;
}

template <class T> static CUresult fill(CUdeviceptr to, T value, size_t count, const char *call) {
    if (CUresult error = standing_in_context()) return error;
    if (!count) return CUDA_SUCCESS;
    if (to % sizeof(T) || !lies_in_device_memory(address(to), count * sizeof(T), current_device(), call))
        return CUDA_ERROR_INVALID_VALUE;
    T *values = reinterpret_cast<T *>(to);
    for (size_t i = 0; i < count; i++) values[i] = value;
    return CUDA_SUCCESS;
}

static CUresult on_stream(CUstream stream, const char *call) {
    if (CUresult error = standing_in_context()) return error;
    return is_stream(stream, call) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

CUDA_EMULATOR_API CUresult cuMemcpyHtoD(CUdeviceptr to, const void *from, size_t bytes) {
    return to_device(to, from, bytes, "cuMemcpyHtoD");
}
CUDA_EMULATOR_API CUresult cuMemcpyDtoH(void *to, CUdeviceptr from, size_t bytes) {
    return to_host(to, from, bytes, "cuMemcpyDtoH");
}
CUDA_EMULATOR_API CUresult cuMemcpyDtoD(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
    return on_device(to, from, bytes, current_device(), "cuMemcpyDtoD");
}

CUDA_EMULATOR_API CUresult cuMemcpyHtoDAsync(CUdeviceptr to, const void *from, size_t bytes, CUstream stream) {
    if (CUresult error = on_stream(stream, "cuMemcpyHtoDAsync")) return error;
    return to_device(to, from, bytes, "cuMemcpyHtoDAsync");
}
CUDA_EMULATOR_API CUresult cuMemcpyDtoHAsync(void *to, CUdeviceptr from, size_t bytes, CUstream stream) {
    if (CUresult error = on_stream(stream, "cuMemcpyDtoHAsync")) return error;
    return to_host(to, from, bytes, "cuMemcpyDtoHAsync");
}
CUDA_EMULATOR_API CUresult cuMemcpyDtoDAsync(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
    if (CUresult error = on_stream(stream, "cuMemcpyDtoDAsync")) return error;
    return on_device(to, from, bytes, current_device(), "cuMemcpyDtoDAsync");
}
CUDA_EMULATOR_API CUresult cuMemcpyPeerAsync(CUdeviceptr to, CUcontext, CUdeviceptr from, CUcontext, size_t bytes,
                                             CUstream stream) {
    if (CUresult error = on_stream(stream, "cuMemcpyPeerAsync")) return error;
    return on_device(to, from, bytes, -1, "cuMemcpyPeerAsync");
}

CUDA_EMULATOR_API CUresult cuMemsetD8(CUdeviceptr to, unsigned char value, size_t count) {
    return fill(to, value, count, "cuMemsetD8");
}
CUDA_EMULATOR_API CUresult cuMemsetD16(CUdeviceptr to, unsigned short value, size_t count) {
    return fill(to, value, count, "cuMemsetD16");
}
CUDA_EMULATOR_API CUresult cuMemsetD32(CUdeviceptr to, unsigned value, size_t count) {
    return fill(to, value, count, "cuMemsetD32");
}
CUDA_EMULATOR_API CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t count, CUstream stream) {
    if (CUresult error = on_stream(stream, "cuMemsetD8Async")) return error;
    return fill(to, value, count, "cuMemsetD8Async");
}
CUDA_EMULATOR_API CUresult cuMemsetD16Async(CUdeviceptr to, unsigned short value, size_t count, CUstream stream) {
    if (CUresult error = on_stream(stream, "cuMemsetD16Async")) return error;
    return fill(to, value, count, "cuMemsetD16Async");
}
CUDA_EMULATOR_API CUresult cuMemsetD32Async(CUdeviceptr to, unsigned value, size_t count, CUstream stream) {
    if (CUresult error = on_stream(stream, "cuMemsetD32Async")) return error;
    return fill(to, value, count, "cuMemsetD32Async");
}
