// D = alpha op(A) op(B) + beta C + bias, as cuBLAS and cuBLASLt have it.
//
// A is [m, k] and B [k, n] after op, C and D are [m, n]; a bias has m values, one for each row. Products are summed in f32 in
// the order of k for each element by itself, so that no element depends on m, n or its place. For f64, in f64.
#pragma once

#include <cstdint>
#include <library_types.h>

namespace cuda_emulator {

// In memory: columns one after the other, `leading` elements apart, or rows if `row_major`.
struct Matrix {
    const void *data;
    cudaDataType type;
    bool row_major;
    bool transposed;
    int64_t leading;
};

enum class Inputs { as_they_are, tf32, f16, bf16 };

// The order in which parts of k are summed before they are added to each other: real libraries have many.
struct Order {
    // So many equal stretches of k.
    int stretches = 1;
    // Sums every other 32 values of k apart.
    bool interleaved = false;
};

struct Product {
    int64_t m, n, k;
    Matrix a, b, c, d;
    double alpha, beta;
    const void *bias;
    cudaDataType bias_type;
    Inputs inputs;
    Order order;
};

// 0 for types that are not emulated.
int64_t element_bytes(cudaDataType type);
// The bytes that a matrix of these rows and columns (before op) reaches over.
int64_t matrix_bytes(const Matrix &matrix, int64_t rows, int64_t columns);
// False for combinations of types that are not emulated.
bool multiply(const Product &product);

} // namespace cuda_emulator
