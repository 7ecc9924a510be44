// cuBLASLt and cuBLAS against a plain product.
#include "cases.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <cublasLt.h>
#include <cublas_v2.h>
#include <curand.h>

// Values of few bits, so that products and short sums are exact in all formats and any order.
static float value(int seed, int64_t i) { return static_cast<float>((i * 7919 + seed * 104729) % 17 - 8) / 4.0f; }

struct Shape {
    int64_t m, n, k;
    bool transposed_a, transposed_b;
    int64_t padding;
    int batches;
};

static uint16_t to_bf16(float x) {
    uint32_t bits;
    std::memcpy(&bits, &x, 4);
    return static_cast<uint16_t>(bits >> 16);
}
static float from_bf16(uint16_t x) {
    uint32_t bits = static_cast<uint32_t>(x) << 16;
    float value;
    std::memcpy(&value, &bits, 4);
    return value;
}
static uint16_t to_f16(float x) {
    if (x == 0.0f) return 0;
    int exponent;
    float fraction = std::frexp(std::fabs(x), &exponent);
    return static_cast<uint16_t>((x < 0 ? 0x8000 : 0) | (exponent + 14) << 10 |
                                 (static_cast<int>(std::lrint(fraction * 2048.0f)) & 0x3ff));
}
static float from_f16(uint16_t x) {
    float magnitude = x & 0x7c00 ? std::ldexp(static_cast<float>((x & 0x3ff) | 0x400), (x >> 10 & 31) - 25)
                                 : std::ldexp(static_cast<float>(x & 0x3ff), -24);
    return x & 0x8000 ? -magnitude : magnitude;
}

static std::vector<unsigned char> encode(const std::vector<float> &values, cudaDataType type) {
    std::vector<unsigned char> bytes;
    for (float x : values) {
        uint32_t bits;
        std::memcpy(&bits, &x, 4);
        if (type == CUDA_R_16F) bits = to_f16(x);
        if (type == CUDA_R_16BF) bits = to_bf16(x);
        for (int i = 0; i < (type == CUDA_R_32F ? 4 : 2); i++) bytes.push_back(static_cast<unsigned char>(bits >> (8 * i)));
    }
    return bytes;
}
static std::vector<float> decode(const std::vector<unsigned char> &bytes, cudaDataType type) {
    size_t size = type == CUDA_R_32F ? 4 : 2;
    std::vector<float> values(bytes.size() / size);
    for (size_t i = 0; i < values.size(); i++) {
        uint16_t half;
        if (type == CUDA_R_32F) {
            std::memcpy(&values[i], &bytes[4 * i], 4);
        } else {
            std::memcpy(&half, &bytes[2 * i], 2);
            values[i] = type == CUDA_R_16F ? from_f16(half) : from_bf16(half);
        }
    }
    return values;
}

struct Problem {
    cublasLtHandle_t handle;
    cublasLtMatmulDesc_t description;
    cublasLtMatrixLayout_t a, b, c;
    cublasLtMatmulPreference_t preference;

    Problem(const Shape &shape, cudaDataType in, cudaDataType out, cublasComputeType_t compute) {
        EXPECT(cublasLtCreate(&handle) == CUBLAS_STATUS_SUCCESS);
        EXPECT(cublasLtMatmulDescCreate(&description, compute, CUDA_R_32F) == CUBLAS_STATUS_SUCCESS);
        int32_t a_operation = shape.transposed_a ? CUBLAS_OP_T : CUBLAS_OP_N,
                b_operation = shape.transposed_b ? CUBLAS_OP_T : CUBLAS_OP_N;
        EXPECT(cublasLtMatmulDescSetAttribute(description, CUBLASLT_MATMUL_DESC_TRANSA, &a_operation, 4) ==
               CUBLAS_STATUS_SUCCESS);
        EXPECT(cublasLtMatmulDescSetAttribute(description, CUBLASLT_MATMUL_DESC_TRANSB, &b_operation, 4) ==
               CUBLAS_STATUS_SUCCESS);
        a = layout(in, shape.transposed_a ? shape.k : shape.m, shape.transposed_a ? shape.m : shape.k, shape);
        b = layout(in, shape.transposed_b ? shape.n : shape.k, shape.transposed_b ? shape.k : shape.n, shape);
        c = layout(out, shape.m, shape.n, shape);
        EXPECT(cublasLtMatmulPreferenceCreate(&preference) == CUBLAS_STATUS_SUCCESS);
    }
    ~Problem() {
        for (auto layout : {a, b, c}) cublasLtMatrixLayoutDestroy(layout);
        cublasLtMatmulDescDestroy(description);
        cublasLtMatmulPreferenceDestroy(preference);
        cublasLtDestroy(handle);
    }
    static cublasLtMatrixLayout_t layout(cudaDataType type, int64_t rows, int64_t columns, const Shape &shape) {
        cublasLtMatrixLayout_t made;
        int64_t leading = rows + shape.padding, stride = leading * columns;
        EXPECT(cublasLtMatrixLayoutCreate(&made, type, static_cast<uint64_t>(rows), static_cast<uint64_t>(columns), leading) ==
               CUBLAS_STATUS_SUCCESS);
        EXPECT(cublasLtMatrixLayoutSetAttribute(made, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &shape.batches, 4) ==
               CUBLAS_STATUS_SUCCESS);
        EXPECT(cublasLtMatrixLayoutSetAttribute(made, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &stride, 8) ==
               CUBLAS_STATUS_SUCCESS);
        return made;
    }
    cublasLtMatmulHeuristicResult_t heuristic() {
        cublasLtMatmulHeuristicResult_t result;
        int count = 0;
        EXPECT(cublasLtMatmulAlgoGetHeuristic(handle, description, a, b, c, c, preference, 1, &result, &count) ==
                   CUBLAS_STATUS_SUCCESS &&
               count == 1);
        return result;
    }
};

static std::vector<float> filled(int seed, int64_t count) {
    std::vector<float> values(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; i++) values[static_cast<size_t>(i)] = value(seed, i);
    return values;
}

static void check(const Shape &shape, cudaDataType in, cudaDataType out, bool has_bias, float beta) {
    Problem problem(shape, in, out, CUBLAS_COMPUTE_32F);
    int64_t a_rows = (shape.transposed_a ? shape.k : shape.m) + shape.padding,
            a_columns = shape.transposed_a ? shape.m : shape.k;
    int64_t b_rows = (shape.transposed_b ? shape.n : shape.k) + shape.padding,
            b_columns = shape.transposed_b ? shape.k : shape.n;
    int64_t c_rows = shape.m + shape.padding;
    std::vector<float> a = filled(1, a_rows * a_columns * shape.batches), b = filled(2, b_rows * b_columns * shape.batches);
    std::vector<float> c = filled(3, c_rows * shape.n * shape.batches), bias = filled(4, shape.m);
    Buffer<unsigned char> a_memory(encode(a, in)), b_memory(encode(b, in)), c_memory(encode(c, out)),
        bias_memory(encode(bias, out));
    if (has_bias) {
        uint32_t epilogue = CUBLASLT_EPILOGUE_BIAS;
        EXPECT(cublasLtMatmulDescSetAttribute(problem.description, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, 4) ==
               CUBLAS_STATUS_SUCCESS);
        EXPECT(cublasLtMatmulDescSetAttribute(problem.description, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias_memory.pointer,
                                              8) == CUBLAS_STATUS_SUCCESS);
    }
    auto algorithm = problem.heuristic();
    float alpha = 0.5f;
    auto at = [](const Buffer<unsigned char> &memory) { return reinterpret_cast<void *>(memory.pointer); };
    EXPECT(cublasLtMatmul(problem.handle, problem.description, &alpha, at(a_memory), problem.a, at(b_memory), problem.b, &beta,
                          at(c_memory), problem.c, at(c_memory), problem.c, &algorithm.algo, nullptr, 0,
                          nullptr) == CUBLAS_STATUS_SUCCESS);
    std::vector<float> result = decode(c_memory.read(), out);
    for (int64_t batch = 0; batch < shape.batches; batch++) {
        const float *left = &a[static_cast<size_t>(batch * a_rows * a_columns)],
                    *right = &b[static_cast<size_t>(batch * b_rows * b_columns)];
        for (int64_t column = 0; column < shape.n; column++) {
            for (int64_t row = 0; row < c_rows; row++) {
                size_t place = static_cast<size_t>(batch * c_rows * shape.n + column * c_rows + row);
                if (row >= shape.m) {
                    EXPECT_EQUAL(result[place], c[place]);
                    continue;
                }
                float sum = 0;
                for (int64_t k = 0; k < shape.k; k++) {
                    sum += left[shape.transposed_a ? row * a_rows + k : k * a_rows + row] *
                           right[shape.transposed_b ? k * b_rows + column : column * b_rows + k];
                }
                float expected = 0.5f * sum + beta * c[place] + (has_bias ? bias[static_cast<size_t>(row)] : 0.0f);
                if (out != CUDA_R_32F) expected = decode(encode({expected}, out), out)[0];
                // Rounding to 16 bits may go either way here: the helpers above cut bf16 off.
                float tolerance = out == CUDA_R_32F ? 0.0f : std::fabs(expected) / (out == CUDA_R_16F ? 1024.0f : 128.0f);
                EXPECT(std::fabs(result[place] - expected) <= tolerance);
            }
        }
    }
}

CASE(products_of_all_types, {}, {}) {
    begin();
    for (bool transposed_a : {false, true}) {
        for (bool transposed_b : {false, true}) {
            for (Shape shape : {Shape{1, 1, 1, false, false, 0, 1}, Shape{17, 7, 5, false, false, 0, 1},
                                Shape{33, 20, 64, false, false, 3, 2}}) {
                shape.transposed_a = transposed_a;
                shape.transposed_b = transposed_b;
                check(shape, CUDA_R_32F, CUDA_R_32F, false, 0.0f);
                check(shape, CUDA_R_32F, CUDA_R_32F, true, 2.0f);
                check(shape, CUDA_R_16F, CUDA_R_16F, true, 0.0f);
                check(shape, CUDA_R_16F, CUDA_R_32F, false, 1.0f);
                check(shape, CUDA_R_16BF, CUDA_R_16BF, true, 0.0f);
                check(shape, CUDA_R_16BF, CUDA_R_32F, true, 0.0f);
            }
        }
    }
}

// The first column of a product of n columns, of values whose sums depend on their order.
static std::vector<float> first_column(int64_t n, cublasComputeType_t compute, int splits) {
    Shape shape{64, n, 1000, true, false, 0, 1};
    Problem problem(shape, CUDA_R_32F, CUDA_R_32F, compute);
    std::vector<float> a(64000), b(static_cast<size_t>(1000 * n));
    for (size_t i = 0; i < a.size(); i++) a[i] = std::sin(static_cast<float>(i));
    for (size_t i = 0; i < b.size(); i++) b[i] = std::cos(static_cast<float>(i));
    Buffer<float> a_memory(a), b_memory(b), c_memory(static_cast<size_t>(64 * n)), workspace(1 << 20);
    uint64_t bytes = 4 << 20;
    EXPECT(cublasLtMatmulPreferenceSetAttribute(problem.preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &bytes, 8) ==
           CUBLAS_STATUS_SUCCESS);
    auto algorithm = problem.heuristic();
    if (splits) {
        uint32_t reduction = splits > 1 ? CUBLASLT_REDUCTION_SCHEME_INPLACE : CUBLASLT_REDUCTION_SCHEME_NONE;
        EXPECT(cublasLtMatmulAlgoConfigSetAttribute(&algorithm.algo, CUBLASLT_ALGO_CONFIG_SPLITK_NUM, &splits, 4) ==
               CUBLAS_STATUS_SUCCESS);
        EXPECT(cublasLtMatmulAlgoConfigSetAttribute(&algorithm.algo, CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME, &reduction, 4) ==
               CUBLAS_STATUS_SUCCESS);
    }
    cublasLtMatmulHeuristicResult_t checked;
    EXPECT(cublasLtMatmulAlgoCheck(problem.handle, problem.description, problem.a, problem.b, problem.c, problem.c,
                                   &algorithm.algo, &checked) == CUBLAS_STATUS_SUCCESS);
    float one = 1, zero = 0;
    EXPECT(cublasLtMatmul(problem.handle, problem.description, &one, reinterpret_cast<void *>(a_memory.pointer), problem.a,
                          reinterpret_cast<void *>(b_memory.pointer), problem.b, &zero,
                          reinterpret_cast<void *>(c_memory.pointer), problem.c, reinterpret_cast<void *>(c_memory.pointer),
                          problem.c, &algorithm.algo, reinterpret_cast<void *>(workspace.pointer), 4 << 20,
                          nullptr) == CUBLAS_STATUS_SUCCESS);
    std::vector<float> all = c_memory.read();
    return std::vector<float>(all.begin(), all.begin() + 64);
}

CASE(products_do_not_depend_on_their_number, {}, {}) {
    begin();
    std::vector<float> alone = first_column(1, CUBLAS_COMPUTE_32F, 0);
    for (int64_t n : {2, 7, 64, 200}) EXPECT(first_column(n, CUBLAS_COMPUTE_32F, 0) == alone);
    EXPECT(first_column(1, CUBLAS_COMPUTE_32F, 4) != alone);
    EXPECT(first_column(1, CUBLAS_COMPUTE_32F_FAST_TF32, 0) != alone);
    double error = 0;
    std::vector<float> fast = first_column(1, CUBLAS_COMPUTE_32F_FAST_TF32, 0);
    for (size_t i = 0; i < 64; i++) error = std::fmax(error, std::fabs(static_cast<double>(fast[i] - alone[i])));
    EXPECT(error < 0.05);
}

CASE(products_that_depend_on_their_number, {"NEARSAY_EMULATOR_HEURISTIC=1"}, {}) {
    begin();
    EXPECT(first_column(1, CUBLAS_COMPUTE_32F, 0) != first_column(200, CUBLAS_COMPUTE_32F, 0));
    // The same algorithm for both.
    EXPECT(first_column(3, CUBLAS_COMPUTE_32F, 1) == first_column(304, CUBLAS_COMPUTE_32F, 1));
}

CASE(products_that_are_refused, {},
     List({"an epilogue that is neither DEFAULT nor BIAS", "a compute type", "shapes that do not fit", "types that do not fit",
           "bytes from"})) {
    begin();
    Shape shape{4, 4, 4, false, false, 0, 1};
    Problem problem(shape, CUDA_R_32F, CUDA_R_32F, CUBLAS_COMPUTE_32F);
    auto algorithm = problem.heuristic();
    Buffer<float> memory(15);
    void *at = reinterpret_cast<void *>(memory.pointer);
    auto run = [&] {
        float one = 1, zero = 0;
        return cublasLtMatmul(problem.handle, problem.description, &one, at, problem.a, at, problem.b, &zero, at, problem.c, at,
                              problem.c, &algorithm.algo, nullptr, 0, nullptr);
    };
    auto set = [&](cublasLtMatmulDescAttributes_t attribute, int32_t value) {
        EXPECT(cublasLtMatmulDescSetAttribute(problem.description, attribute, &value, 4) == CUBLAS_STATUS_SUCCESS);
    };
    EXPECT(cublasLtMatmulDescSetAttribute(problem.description, CUBLASLT_MATMUL_DESC_TRANSA, &shape, 8) ==
           CUBLAS_STATUS_INVALID_VALUE);
    set(CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_GELU);
    EXPECT(run() == CUBLAS_STATUS_NOT_SUPPORTED);
    set(CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_DEFAULT);
    set(CUBLASLT_MATMUL_DESC_COMPUTE_TYPE, CUBLAS_COMPUTE_16F);
    EXPECT(run() == CUBLAS_STATUS_NOT_SUPPORTED);
    set(CUBLASLT_MATMUL_DESC_COMPUTE_TYPE, CUBLAS_COMPUTE_32F);
    uint64_t rows = 3;
    EXPECT(cublasLtMatrixLayoutSetAttribute(problem.c, CUBLASLT_MATRIX_LAYOUT_ROWS, &rows, 8) == CUBLAS_STATUS_SUCCESS);
    EXPECT(run() == CUBLAS_STATUS_NOT_SUPPORTED);
    rows = 4;
    EXPECT(cublasLtMatrixLayoutSetAttribute(problem.c, CUBLASLT_MATRIX_LAYOUT_ROWS, &rows, 8) == CUBLAS_STATUS_SUCCESS);
    uint32_t type = CUDA_R_16F;
    EXPECT(cublasLtMatrixLayoutSetAttribute(problem.b, CUBLASLT_MATRIX_LAYOUT_TYPE, &type, 4) == CUBLAS_STATUS_SUCCESS);
    EXPECT(run() == CUBLAS_STATUS_NOT_SUPPORTED);
    type = CUDA_R_32F;
    EXPECT(cublasLtMatrixLayoutSetAttribute(problem.b, CUBLASLT_MATRIX_LAYOUT_TYPE, &type, 4) == CUBLAS_STATUS_SUCCESS);
    // 16 elements in memory of 15.
    EXPECT(run() == CUBLAS_STATUS_EXECUTION_FAILED);
    EXPECT(cuCtxSynchronize() == CUDA_ERROR_ILLEGAL_ADDRESS);
}

CASE(products_that_are_to_fail, {"NEARSAY_EMULATOR_FAIL_LAUNCH=1"}, List({"launch 1, of cublasLtMatmul"})) {
    begin();
    Shape shape{1, 1, 1, false, false, 0, 1};
    Problem problem(shape, CUDA_R_32F, CUDA_R_32F, CUBLAS_COMPUTE_32F);
    Buffer<float> memory(1);
    void *at = reinterpret_cast<void *>(memory.pointer);
    float one = 1;
    EXPECT(cublasLtMatmul(problem.handle, problem.description, &one, at, problem.a, at, problem.b, &one, at, problem.c, at,
                          problem.c, nullptr, nullptr, 0, nullptr) == CUBLAS_STATUS_EXECUTION_FAILED);
    EXPECT(cuCtxSynchronize() == CUDA_ERROR_LAUNCH_FAILED);
}

CASE(batched_products_as_candle_asks_for_them, {}, {}) {
    begin();
    cublasHandle_t handle;
    EXPECT(cublasCreate(&handle) == CUBLAS_STATUS_SUCCESS);
    // [2, 3] of [3, 2], twice, by columns.
    Buffer<float> a(std::vector<float>{1, 2, 3, 4, 5, 6, 1, 0, 0, 1, 0, 0}),
        b(std::vector<float>{1, 0, 1, 0, 1, 0, 7, 8, 9, 1, 2, 3}), c(8);
    float one = 1, zero = 0;
    EXPECT(cublasGemmStridedBatchedEx(handle, CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 3, &one, reinterpret_cast<void *>(a.pointer),
                                      CUDA_R_32F, 2, 6, reinterpret_cast<void *>(b.pointer), CUDA_R_32F, 3, 6, &zero,
                                      reinterpret_cast<void *>(c.pointer), CUDA_R_32F, 2, 4, 2, CUBLAS_COMPUTE_32F,
                                      CUBLAS_GEMM_DEFAULT) == CUBLAS_STATUS_SUCCESS);
    std::vector<float> values = c.read(), expected = {6, 8, 3, 4, 7, 8, 1, 2};
    for (size_t i = 0; i < 8; i++) EXPECT_EQUAL(values[i], expected[i]);
    Buffer<double> x(std::vector<double>{2.0, 3.0}), y(std::vector<double>{5.0, 0.0});
    double three = 3, one_double = 1;
    EXPECT(cublasDgemmStridedBatched(handle, CUBLAS_OP_T, CUBLAS_OP_N, 1, 1, 2, &three, reinterpret_cast<double *>(x.pointer),
                                     2, 2, reinterpret_cast<double *>(x.pointer), 2, 2, &one_double,
                                     reinterpret_cast<double *>(y.pointer), 1, 1, 1) == CUBLAS_STATUS_SUCCESS);
    EXPECT_EQUAL(y.read()[0], 44);
    EXPECT(cublasDestroy(handle) == CUBLAS_STATUS_SUCCESS);
}

CASE(random_numbers, {}, {}) {
    begin();
    curandGenerator_t generator;
    EXPECT(curandCreateGenerator(&generator, CURAND_RNG_PSEUDO_DEFAULT) == CURAND_STATUS_SUCCESS);
    EXPECT(curandSetPseudoRandomGeneratorSeed(generator, 299792458) == CURAND_STATUS_SUCCESS &&
           curandSetStream(generator, nullptr) == CURAND_STATUS_SUCCESS);
    Buffer<float> values(1000);
    EXPECT(curandGenerateUniform(generator, reinterpret_cast<float *>(values.pointer), 1000) == CURAND_STATUS_SUCCESS);
    double sum = 0;
    for (float x : values.read()) {
        EXPECT(x > 0 && x <= 1);
        sum += static_cast<double>(x);
    }
    EXPECT(sum > 450 && sum < 550);
    EXPECT(curandDestroyGenerator(generator) == CURAND_STATUS_SUCCESS);
}
