// libcublas: handles, and the matrix products that candle's own matmul asks for.
#include "../driver/driver.h"
#include "product.h"

#include <cublas_v2.h>

using namespace cuda_emulator;

struct cublasContext {
    cudaStream_t stream;
    cublasMath_t math;
    cublasPointerMode_t pointers;
};

namespace {

struct Batch {
    long long a, b, c;
    int count;
};

bool in_memory(const Matrix &matrix, int64_t rows, int64_t columns, long long stride, int count, const char *call) {
    int64_t bytes = matrix_bytes(matrix, rows, columns) + (count - 1) * stride * element_bytes(matrix.type);
    return lies_in_device_memory(matrix.data, static_cast<size_t>(bytes), current_device(), call);
}

const void *advance(const void *data, int64_t elements, cudaDataType type) {
    return static_cast<const char *>(data) + elements * element_bytes(type);
}

cublasStatus_t multiply_all(cublasHandle_t handle, const Product &product, const Batch &batch, const char *call) {
    if (!is_handle(handle, "cublas handle", call)) return CUBLAS_STATUS_NOT_INITIALIZED;
    if (product.m < 0 || product.n < 0 || product.k < 0 || batch.count < 0) return CUBLAS_STATUS_INVALID_VALUE;
    if (!product.m || !product.n || !batch.count) return CUBLAS_STATUS_SUCCESS;
    int64_t a_rows = product.a.transposed ? product.k : product.m, a_columns = product.a.transposed ? product.m : product.k;
    int64_t b_rows = product.b.transposed ? product.n : product.k, b_columns = product.b.transposed ? product.k : product.n;
    if (product.a.leading < a_rows || product.b.leading < b_rows || product.c.leading < product.m)
        return CUBLAS_STATUS_INVALID_VALUE;
    if (!in_memory(product.a, a_rows, a_columns, batch.a, batch.count, call) ||
        !in_memory(product.b, b_rows, b_columns, batch.b, batch.count, call) ||
        !in_memory(product.c, product.m, product.n, batch.c, batch.count, call)) {
        stay(CUDA_ERROR_ILLEGAL_ADDRESS);
        return CUBLAS_STATUS_EXECUTION_FAILED;
    }
    if (begin_launch(call) != CUDA_SUCCESS) return CUBLAS_STATUS_EXECUTION_FAILED;
    for (int i = 0; i < batch.count; i++) {
        Product one = product;
        one.a.data = advance(product.a.data, i * batch.a, product.a.type);
        one.b.data = advance(product.b.data, i * batch.b, product.b.type);
        one.c.data = one.d.data = advance(product.c.data, i * batch.c, product.c.type);
        if (multiply(one)) continue;
        complain("%s: types that are not emulated", call);
        return CUBLAS_STATUS_NOT_SUPPORTED;
    }
    return CUBLAS_STATUS_SUCCESS;
}

Product make(cublasOperation_t a_operation, cublasOperation_t b_operation, int m, int n, int k, const void *a,
             cudaDataType a_type, int a_leading, const void *b, cudaDataType b_type, int b_leading, const void *c,
             cudaDataType c_type, int c_leading) {
    Product product{};
    product.m = m;
    product.n = n;
    product.k = k;
    product.a = {a, a_type, false, a_operation != CUBLAS_OP_N, a_leading};
    product.b = {b, b_type, false, b_operation != CUBLAS_OP_N, b_leading};
    product.c = product.d = {c, c_type, false, false, c_leading};
    return product;
}

// Sets how to compute; false for what is not emulated.
bool set_compute(Product &product, cublasComputeType_t type, const void *alpha, const void *beta, const char *call) {
    switch (type) {
    case CUBLAS_COMPUTE_64F:
        product.alpha = *static_cast<const double *>(alpha);
        product.beta = *static_cast<const double *>(beta);
        return true;
    case CUBLAS_COMPUTE_32F_FAST_TF32:
        if (product.a.type == CUDA_R_32F) product.inputs = Inputs::tf32;
        break;
    case CUBLAS_COMPUTE_32F_FAST_16F: product.inputs = Inputs::f16; break;
    case CUBLAS_COMPUTE_32F_FAST_16BF: product.inputs = Inputs::bf16; break;
    case CUBLAS_COMPUTE_32F:
    case CUBLAS_COMPUTE_32F_PEDANTIC: break;
    default: complain("%s: the compute type %d is not emulated", call, type); return false;
    }
    product.alpha = static_cast<double>(*static_cast<const float *>(alpha));
    product.beta = static_cast<double>(*static_cast<const float *>(beta));
    return true;
}

} // namespace

CUDA_EMULATOR_API cublasStatus_t cublasCreate_v2(cublasHandle_t *handle) {
    if (!handle) return CUBLAS_STATUS_INVALID_VALUE;
    if (standing_in_context() != CUDA_SUCCESS) return CUBLAS_STATUS_NOT_INITIALIZED;
    *handle = new cublasContext{nullptr, CUBLAS_DEFAULT_MATH, CUBLAS_POINTER_MODE_HOST};
    add_handle(*handle, "cublas handle");
    return CUBLAS_STATUS_SUCCESS;
}

CUDA_EMULATOR_API cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) {
    if (!remove_handle(handle, "cublas handle", "cublasDestroy")) return CUBLAS_STATUS_NOT_INITIALIZED;
    delete handle;
    return CUBLAS_STATUS_SUCCESS;
}

CUDA_EMULATOR_API cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream) {
    if (!is_handle(handle, "cublas handle", "cublasSetStream")) return CUBLAS_STATUS_NOT_INITIALIZED;
    if (!is_stream(stream, "cublasSetStream")) return CUBLAS_STATUS_INVALID_VALUE;
    handle->stream = stream;
    return CUBLAS_STATUS_SUCCESS;
}
CUDA_EMULATOR_API cublasStatus_t cublasGetStream_v2(cublasHandle_t handle, cudaStream_t *stream) {
    if (!is_handle(handle, "cublas handle", "cublasGetStream")) return CUBLAS_STATUS_NOT_INITIALIZED;
    if (!stream) return CUBLAS_STATUS_INVALID_VALUE;
    *stream = handle->stream;
    return CUBLAS_STATUS_SUCCESS;
}
CUDA_EMULATOR_API cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t math) {
    if (!is_handle(handle, "cublas handle", "cublasSetMathMode")) return CUBLAS_STATUS_NOT_INITIALIZED;
    handle->math = math;
    return CUBLAS_STATUS_SUCCESS;
}
CUDA_EMULATOR_API cublasStatus_t cublasGetMathMode(cublasHandle_t handle, cublasMath_t *math) {
    if (!is_handle(handle, "cublas handle", "cublasGetMathMode")) return CUBLAS_STATUS_NOT_INITIALIZED;
    if (!math) return CUBLAS_STATUS_INVALID_VALUE;
    *math = handle->math;
    return CUBLAS_STATUS_SUCCESS;
}
CUDA_EMULATOR_API cublasStatus_t cublasSetPointerMode_v2(cublasHandle_t handle, cublasPointerMode_t mode) {
    if (!is_handle(handle, "cublas handle", "cublasSetPointerMode")) return CUBLAS_STATUS_NOT_INITIALIZED;
    if (mode == CUBLAS_POINTER_MODE_HOST) return CUBLAS_STATUS_SUCCESS;
    complain("cublasSetPointerMode: scalars in device memory are not emulated");
    return CUBLAS_STATUS_NOT_SUPPORTED;
}
CUDA_EMULATOR_API cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t handle, void *workspace, size_t bytes) {
    if (!is_handle(handle, "cublas handle", "cublasSetWorkspace")) return CUBLAS_STATUS_NOT_INITIALIZED;
    return !bytes || lies_in_device_memory(workspace, bytes, current_device(), "cublasSetWorkspace")
               ? CUBLAS_STATUS_SUCCESS
               : CUBLAS_STATUS_INVALID_VALUE;
}
CUDA_EMULATOR_API cublasStatus_t cublasGetVersion_v2(cublasHandle_t, int *version) {
    if (!version) return CUBLAS_STATUS_INVALID_VALUE;
    *version = CUBLAS_VERSION;
    return CUBLAS_STATUS_SUCCESS;
}

CUDA_EMULATOR_API cublasStatus_t cublasGemmStridedBatchedEx(
    cublasHandle_t handle, cublasOperation_t a_operation, cublasOperation_t b_operation, int m, int n, int k, const void *alpha,
    const void *a, cudaDataType a_type, int a_leading, long long a_stride, const void *b, cudaDataType b_type, int b_leading,
    long long b_stride, const void *beta, void *c, cudaDataType c_type, int c_leading, long long c_stride, int count,
    cublasComputeType_t compute, cublasGemmAlgo_t) {
    Product product = make(a_operation, b_operation, m, n, k, a, a_type, a_leading, b, b_type, b_leading, c, c_type, c_leading);
    if (!set_compute(product, compute, alpha, beta, "cublasGemmStridedBatchedEx")) return CUBLAS_STATUS_NOT_SUPPORTED;
    return multiply_all(handle, product, {a_stride, b_stride, c_stride, count}, "cublasGemmStridedBatchedEx");
}

CUDA_EMULATOR_API cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t a_operation,
                                              cublasOperation_t b_operation, int m, int n, int k, const void *alpha,
                                              const void *a, cudaDataType a_type, int a_leading, const void *b,
                                              cudaDataType b_type, int b_leading, const void *beta, void *c,
                                              cudaDataType c_type, int c_leading, cublasComputeType_t compute,
                                              cublasGemmAlgo_t) {
    Product product = make(a_operation, b_operation, m, n, k, a, a_type, a_leading, b, b_type, b_leading, c, c_type, c_leading);
    if (!set_compute(product, compute, alpha, beta, "cublasGemmEx")) return CUBLAS_STATUS_NOT_SUPPORTED;
    return multiply_all(handle, product, {0, 0, 0, 1}, "cublasGemmEx");
}

CUDA_EMULATOR_API cublasStatus_t cublasSgemm_v2(cublasHandle_t handle, cublasOperation_t a_operation,
                                                cublasOperation_t b_operation, int m, int n, int k, const float *alpha,
                                                const float *a, int a_leading, const float *b, int b_leading, const float *beta,
                                                float *c, int c_leading) {
    Product product =
        make(a_operation, b_operation, m, n, k, a, CUDA_R_32F, a_leading, b, CUDA_R_32F, b_leading, c, CUDA_R_32F, c_leading);
    set_compute(product, CUBLAS_COMPUTE_32F, alpha, beta, "cublasSgemm");
    return multiply_all(handle, product, {0, 0, 0, 1}, "cublasSgemm");
}

CUDA_EMULATOR_API cublasStatus_t cublasDgemmStridedBatched(cublasHandle_t handle, cublasOperation_t a_operation,
                                                           cublasOperation_t b_operation, int m, int n, int k,
                                                           const double *alpha, const double *a, int a_leading,
                                                           long long a_stride, const double *b, int b_leading,
                                                           long long b_stride, const double *beta, double *c, int c_leading,
                                                           long long c_stride, int count) {
    Product product =
        make(a_operation, b_operation, m, n, k, a, CUDA_R_64F, a_leading, b, CUDA_R_64F, b_leading, c, CUDA_R_64F, c_leading);
    set_compute(product, CUBLAS_COMPUTE_64F, alpha, beta, "cublasDgemmStridedBatched");
    return multiply_all(handle, product, {a_stride, b_stride, c_stride, count}, "cublasDgemmStridedBatched");
}
