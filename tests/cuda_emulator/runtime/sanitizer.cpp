// What g++'s -fsanitize=bounds,alignment calls in kernels: an array's index out of its bounds, a vector that is not
// aligned. The structures are those of libubsan (GCC's libsanitizer/ubsan/ubsan_handlers.h).
#include "block.h"

#include <cstdint>
#include <cstdio>

using namespace cuda_emulator;

namespace {

struct SourceLocation {
    const char *file;
    uint32_t line;
    uint32_t column;
};

struct TypeDescriptor {
    uint16_t kind;
    uint16_t info;
    char name[1];
};

struct OutOfBounds {
    SourceLocation location;
    const TypeDescriptor *array;
    const TypeDescriptor *index;
};

struct TypeMismatch {
    SourceLocation location;
    const TypeDescriptor *type;
    unsigned char log_alignment;
    unsigned char kind;
};

[[noreturn]] void stop(CUresult error, const char *message) {
    if (BlockRunner::active) BlockRunner::active->abandon(error, message);
    fail("%s", message);
}

[[noreturn]] void out_of_bounds(const OutOfBounds *data, uintptr_t index) {
    char message[512];
    std::snprintf(message, sizeof message, "%s:%u: index %lld is out of the bounds of %s", data->location.file,
                  data->location.line, static_cast<long long>(index), data->array->name);
    stop(CUDA_ERROR_ILLEGAL_ADDRESS, message);
}

[[noreturn]] void type_mismatch(const TypeMismatch *data, uintptr_t pointer) {
    char message[512];
    std::snprintf(message, sizeof message, "%s:%u: %#llx is not aligned to %u bytes for %s", data->location.file,
                  data->location.line, static_cast<unsigned long long>(pointer), 1u << data->log_alignment, data->type->name);
    stop(CUDA_ERROR_MISALIGNED_ADDRESS, message);
}

} // namespace

extern "C" {
__attribute__((visibility("default"))) void __ubsan_handle_out_of_bounds(OutOfBounds *data, uintptr_t index) {
    out_of_bounds(data, index);
}
__attribute__((visibility("default"))) void __ubsan_handle_out_of_bounds_abort(OutOfBounds *data, uintptr_t index) {
    out_of_bounds(data, index);
}
__attribute__((visibility("default"))) void __ubsan_handle_type_mismatch_v1(TypeMismatch *data, uintptr_t pointer) {
    type_mismatch(data, pointer);
}
__attribute__((visibility("default"))) void __ubsan_handle_type_mismatch_v1_abort(TypeMismatch *data, uintptr_t pointer) {
    type_mismatch(data, pointer);
}
}
