// Contexts: one primary for each device, others on request; each thread of the program has a stack of them.
#include "driver.h"

#include <map>
#include <mutex>

namespace cuda_emulator {
namespace {

thread_local std::vector<CUctx_st *> current;
std::mutex lock;

// Never freed, so that an old handle can be told from one that never was.
CUctx_st *primary(int device) {
    static std::map<int, CUctx_st *> *all = new std::map<int, CUctx_st *>;
    CUctx_st *&context = (*all)[device];
    if (!context) context = new CUctx_st{device, true, 0};
    return context;
}

} // namespace

CUctx_st *current_context() {
    CUctx_st *context = current.empty() ? nullptr : current.back();
    return context && context->references > 0 ? context : nullptr;
}

int current_device() {
    CUctx_st *context = current_context();
    return context ? context->device : 0;
}

} // namespace cuda_emulator

using namespace cuda_emulator;

CUDA_EMULATOR_API CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device) {
    if (CUresult error = standing()) return error;
    if (!context) return CUDA_ERROR_INVALID_VALUE;
    if (!is_device(device)) return CUDA_ERROR_INVALID_DEVICE;
    std::lock_guard<std::mutex> hold(lock);
    CUctx_st *found = primary(device);
    found->references++;
    *context = found;
    return CUDA_SUCCESS;
}

CUDA_EMULATOR_API CUresult cuDevicePrimaryCtxRelease(CUdevice device) {
    if (!is_device(device)) return CUDA_ERROR_INVALID_DEVICE;
    std::lock_guard<std::mutex> hold(lock);
    CUctx_st *found = primary(device);
    if (found->references <= 0) return CUDA_ERROR_INVALID_CONTEXT;
    if (--found->references == 0) release_device(device);
    return standing();
}

CUDA_EMULATOR_API CUresult cuDevicePrimaryCtxGetState(CUdevice device, unsigned *flags, int *active) {
    if (CUresult error = standing()) return error;
    if (!is_device(device)) return CUDA_ERROR_INVALID_DEVICE;
    if (!flags || !active) return CUDA_ERROR_INVALID_VALUE;
    std::lock_guard<std::mutex> hold(lock);
    *flags = 0;
    *active = primary(device)->references > 0;
    return CUDA_SUCCESS;
}

CUDA_EMULATOR_API CUresult cuCtxCreate_v4(CUcontext *context, CUctxCreateParams *, unsigned, CUdevice device) {
    if (CUresult error = standing()) return error;
    if (!context) return CUDA_ERROR_INVALID_VALUE;
    if (!is_device(device)) return CUDA_ERROR_INVALID_DEVICE;
    *context = new CUctx_st{device, false, 1};
    current.push_back(*context);
    return CUDA_SUCCESS;
}

CUDA_EMULATOR_API CUresult cuCtxDestroy(CUcontext context) {
    if (CUresult error = standing()) return error;
    if (!context || context->is_primary || context->references <= 0) return CUDA_ERROR_INVALID_CONTEXT;
    context->references = 0;
    return CUDA_SUCCESS;
}

CUDA_EMULATOR_API CUresult cuCtxSetCurrent(CUcontext context) {
    if (CUresult error = standing()) return error;
    if (context && context->references <= 0) return CUDA_ERROR_INVALID_CONTEXT;
    if (!current.empty()) current.pop_back();
    if (context) current.push_back(context);
    return CUDA_SUCCESS;
}

CUDA_EMULATOR_API CUresult cuCtxGetCurrent(CUcontext *context) {
    if (CUresult error = standing()) return error;
    if (!context) return CUDA_ERROR_INVALID_VALUE;
    *context = current.empty() ? nullptr : current.back();
    return CUDA_SUCCESS;
}

CUDA_EMULATOR_API CUresult cuCtxPushCurrent(CUcontext context) {
    if (CUresult error = standing()) return error;
    if (!context || context->references <= 0) return CUDA_ERROR_INVALID_CONTEXT;
    current.push_back(context);
    return CUDA_SUCCESS;
}

CUDA_EMULATOR_API CUresult cuCtxPopCurrent(CUcontext *context) {
    if (CUresult error = standing_in_context()) return error;
    if (context) *context = current.back();
    current.pop_back();
    return CUDA_SUCCESS;
}

CUDA_EMULATOR_API CUresult cuCtxGetDevice(CUdevice *device) {
    if (CUresult error = standing_in_context()) return error;
    if (!device) return CUDA_ERROR_INVALID_VALUE;
    *device = current_device();
    return CUDA_SUCCESS;
}

CUDA_EMULATOR_API CUresult cuCtxSynchronize() { return standing_in_context(); }
CUDA_EMULATOR_API CUresult cuCtxSetFlags(unsigned) { return standing_in_context(); }
CUDA_EMULATOR_API CUresult cuCtxSetLimit(CUlimit, size_t) { return standing_in_context(); }
CUDA_EMULATOR_API CUresult cuCtxSetCacheConfig(CUfunc_cache) { return standing_in_context(); }

CUDA_EMULATOR_API CUresult cuCtxGetStreamPriorityRange(int *least, int *greatest) {
    if (CUresult error = standing_in_context()) return error;
    if (least) *least = 0;
    if (greatest) *greatest = -5;
    return CUDA_SUCCESS;
}

CUDA_EMULATOR_API CUresult cuCtxGetApiVersion(CUcontext, unsigned *version) {
    if (CUresult error = standing()) return error;
    if (!version) return CUDA_ERROR_INVALID_VALUE;
    *version = 3020;
    return CUDA_SUCCESS;
}
