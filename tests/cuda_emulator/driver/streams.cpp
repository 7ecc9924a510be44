// Streams and events. Everything has been done when a call returns, so that they only keep their handles apart and time.
#include "driver.h"

#include <chrono>
#include <map>
#include <mutex>

struct CUstream_st {
    unsigned flags;
    int priority;
};

struct CUevent_st {
    unsigned flags;
    bool recorded;
    std::chrono::steady_clock::time_point when;
};

namespace cuda_emulator {
namespace {

std::mutex lock;

// Never destroyed: threads may outlive main.
std::map<const void *, const char *> &handles() {
    static auto *all = new std::map<const void *, const char *>;
    return *all;
}

} // namespace

void add_handle(const void *handle, const char *kind) {
    std::lock_guard<std::mutex> hold(lock);
    handles()[handle] = kind;
}

bool is_handle(const void *handle, const char *kind, const char *call) {
    std::lock_guard<std::mutex> hold(lock);
    auto found = handles().find(handle);
    if (found != handles().end() && std::string(found->second) == kind) return true;
    complain("%s: %p is no %s that exists", call, handle, kind);
    return false;
}

bool remove_handle(const void *handle, const char *kind, const char *call) {
    if (!is_handle(handle, kind, call)) return false;
    std::lock_guard<std::mutex> hold(lock);
    handles().erase(handle);
    return true;
}

// Null and the two handles of cuda.h stand for default streams.
bool is_stream(CUstream stream, const char *call) {
    if (!stream || stream == CU_STREAM_LEGACY || stream == CU_STREAM_PER_THREAD) return true;
    return is_handle(stream, "stream", call);
}

} // namespace cuda_emulator

using namespace cuda_emulator;

static CUresult create_stream(CUstream *stream, unsigned flags, int priority) {
    if (CUresult error = standing_in_context()) return error;
    if (!stream || flags > CU_STREAM_NON_BLOCKING) return CUDA_ERROR_INVALID_VALUE;
    *stream = new CUstream_st{flags, priority};
    add_handle(*stream, "stream");
    return CUDA_SUCCESS;
}

CUDA_EMULATOR_API CUresult cuStreamCreate(CUstream *stream, unsigned flags) { return create_stream(stream, flags, 0); }
CUDA_EMULATOR_API CUresult cuStreamCreateWithPriority(CUstream *stream, unsigned flags, int priority) {
    return create_stream(stream, flags, priority);
}

static CUresult good_stream(CUstream stream, const char *call) {
    if (CUresult error = standing_in_context()) return error;
    return is_stream(stream, call) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

CUDA_EMULATOR_API CUresult cuStreamDestroy(CUstream stream) {
    if (CUresult error = standing_in_context()) return error;
    if (!remove_handle(stream, "stream", "cuStreamDestroy")) return CUDA_ERROR_INVALID_HANDLE;
    delete stream;
    return CUDA_SUCCESS;
}

CUDA_EMULATOR_API CUresult cuStreamSynchronize(CUstream stream) { return good_stream(stream, "cuStreamSynchronize"); }
CUDA_EMULATOR_API CUresult cuStreamQuery(CUstream stream) { return good_stream(stream, "cuStreamQuery"); }

CUDA_EMULATOR_API CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned) {
    if (CUresult error = good_stream(stream, "cuStreamWaitEvent")) return error;
    return is_handle(event, "event", "cuStreamWaitEvent") ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

CUDA_EMULATOR_API CUresult cuStreamIsCapturing(CUstream stream, CUstreamCaptureStatus *status) {
    if (CUresult error = good_stream(stream, "cuStreamIsCapturing")) return error;
    if (!status) return CUDA_ERROR_INVALID_VALUE;
    *status = CU_STREAM_CAPTURE_STATUS_NONE;
    return CUDA_SUCCESS;
}

CUDA_EMULATOR_API CUresult cuStreamGetPriority(CUstream stream, int *priority) {
    if (CUresult error = good_stream(stream, "cuStreamGetPriority")) return error;
    if (!priority) return CUDA_ERROR_INVALID_VALUE;
    *priority = 0;
    return CUDA_SUCCESS;
}

CUDA_EMULATOR_API CUresult cuLaunchHostFunc(CUstream stream, CUhostFn function, void *data) {
    if (CUresult error = good_stream(stream, "cuLaunchHostFunc")) return error;
    if (!function) return CUDA_ERROR_INVALID_VALUE;
    function(data);
    return CUDA_SUCCESS;
}

CUDA_EMULATOR_API CUresult cuEventCreate(CUevent *event, unsigned flags) {
    if (CUresult error = standing_in_context()) return error;
    if (!event) return CUDA_ERROR_INVALID_VALUE;
    *event = new CUevent_st{flags, false, {}};
    add_handle(*event, "event");
    return CUDA_SUCCESS;
}

CUDA_EMULATOR_API CUresult cuEventDestroy(CUevent event) {
    if (CUresult error = standing_in_context()) return error;
    if (!remove_handle(event, "event", "cuEventDestroy")) return CUDA_ERROR_INVALID_HANDLE;
    delete event;
    return CUDA_SUCCESS;
}

static CUresult good_event(CUevent event, const char *call) {
    if (CUresult error = standing_in_context()) return error;
    return is_handle(event, "event", call) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

CUDA_EMULATOR_API CUresult cuEventRecord(CUevent event, CUstream stream) {
    if (CUresult error = good_event(event, "cuEventRecord")) return error;
    if (!is_stream(stream, "cuEventRecord")) return CUDA_ERROR_INVALID_HANDLE;
    event->recorded = true;
    event->when = std::chrono::steady_clock::now();
    return CUDA_SUCCESS;
}

CUDA_EMULATOR_API CUresult cuEventSynchronize(CUevent event) { return good_event(event, "cuEventSynchronize"); }
CUDA_EMULATOR_API CUresult cuEventQuery(CUevent event) { return good_event(event, "cuEventQuery"); }

static CUresult elapsed(float *milliseconds, CUevent begin, CUevent end) {
    if (CUresult error = good_event(begin, "cuEventElapsedTime")) return error;
    if (CUresult error = good_event(end, "cuEventElapsedTime")) return error;
    if (!milliseconds) return CUDA_ERROR_INVALID_VALUE;
    bool timed = !((begin->flags | end->flags) & CU_EVENT_DISABLE_TIMING);
    if (!timed || !begin->recorded || !end->recorded) return CUDA_ERROR_INVALID_HANDLE;
    *milliseconds = std::chrono::duration<float, std::milli>(end->when - begin->when).count();
    return CUDA_SUCCESS;
}

#undef cuEventElapsedTime
CUDA_EMULATOR_API CUresult cuEventElapsedTime(float *milliseconds, CUevent begin, CUevent end) {
    return elapsed(milliseconds, begin, end);
}
CUDA_EMULATOR_API CUresult cuEventElapsedTime_v2(float *milliseconds, CUevent begin, CUevent end) {
    return elapsed(milliseconds, begin, end);
}
