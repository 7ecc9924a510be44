// The product, over panels of A and B that were converted to f32 and padded to whole tiles. All tiles run the same code.
// Compiled with -ffp-contract=fast, so that it is done in fused multiply-adds where the CPU has them.
#include "product.h"

#include "../device/half.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

namespace cuda_emulator {
namespace {

// A tile is TILE_M x TILE_N sums: 12 vectors of 8.
constexpr int TILE_M = 16, TILE_N = 6;
typedef float Vector __attribute__((vector_size(32)));
// As it lies among other floats.
typedef float Unaligned __attribute__((vector_size(32), aligned(4), may_alias));

// Ten bits after the point, rounded to nearest, ties away from zero, as cvt.rna.tf32 does.
float to_tf32(float x) {
    uint32_t bits = bits_as<uint32_t>(x);
    if ((bits & 0x7f800000) == 0x7f800000) return x;
    return bits_as<float>((bits + 0x1000) & 0xffffe000);
}

float round_input(float x, Inputs inputs) {
    switch (inputs) {
    case Inputs::as_they_are: return x;
    case Inputs::tf32: return to_tf32(x);
    case Inputs::f16: return f16_to_float(float_to_f16(x));
    case Inputs::bf16: return bf16_to_float(float_to_bf16(x));
    }
    return x;
}

template <class T> T read(const void *data, int64_t index) {
    T value;
    std::memcpy(&value, static_cast<const char *>(data) + index * static_cast<int64_t>(sizeof(T)), sizeof value);
    return value;
}

template <class T> void write(const void *data, int64_t index, T value) {
    std::memcpy(static_cast<char *>(const_cast<void *>(data)) + index * static_cast<int64_t>(sizeof(T)), &value, sizeof value);
}

double load(const void *data, cudaDataType type, int64_t index) {
    switch (type) {
    case CUDA_R_32F: return static_cast<double>(read<float>(data, index));
    case CUDA_R_16F: return static_cast<double>(f16_to_float(read<uint16_t>(data, index)));
    case CUDA_R_16BF: return static_cast<double>(bf16_to_float(read<uint16_t>(data, index)));
    default: return read<double>(data, index);
    }
}

// From the f32 or f64 that was computed, rounded once.
void store(const void *data, cudaDataType type, int64_t index, double value) {
    switch (type) {
    case CUDA_R_32F: return write(data, index, static_cast<float>(value));
    case CUDA_R_16F: return write(data, index, float_to_f16(static_cast<float>(value)));
    case CUDA_R_16BF: return write(data, index, float_to_bf16(static_cast<float>(value)));
    default: return write(data, index, value);
    }
}

// Where element (row, column) of op(matrix) is.
int64_t place(const Matrix &matrix, int64_t row, int64_t column) {
    if (matrix.transposed) std::swap(row, column);
    return matrix.row_major ? row * matrix.leading + column : column * matrix.leading + row;
}

float to_float(float x) { return x; }
struct F16 {
    uint16_t bits;
};
float to_float(F16 x) { return f16_to_float(x.bits); }
struct Bf16 {
    uint16_t bits;
};
float to_float(Bf16 x) { return bf16_to_float(x.bits); }

// Panels of `width` rows or columns, [panels, k, width]; zeros beyond the edge.
template <class T>
std::vector<float> pack(const Matrix &matrix, int64_t count, int64_t k, int width, bool is_a, Inputs inputs) {
    int64_t panels = (count + width - 1) / width;
    std::vector<float> packed(static_cast<size_t>(panels * k * width), 0.0f);
    for (int64_t i = 0; i < count; i++) {
        float *to = packed.data() + i / width * k * width + i % width;
        int64_t first = is_a ? place(matrix, i, 0) : place(matrix, 0, i);
        int64_t step = is_a ? place(matrix, i, 1) - first : place(matrix, 1, i) - first;
        for (int64_t j = 0; j < k; j++) {
            to[j * width] = round_input(to_float(read<T>(matrix.data, first + j * step)), inputs);
        }
    }
    return packed;
}

std::vector<float> pack(const Matrix &matrix, int64_t count, int64_t k, int width, bool is_a, Inputs inputs) {
    switch (matrix.type) {
    case CUDA_R_16F: return pack<F16>(matrix, count, k, width, is_a, inputs);
    case CUDA_R_16BF: return pack<Bf16>(matrix, count, k, width, is_a, inputs);
    default: return pack<float>(matrix, count, k, width, is_a, inputs);
    }
}

struct Tile {
    Vector sums[TILE_N][2];
};

// Adds the products of k from `begin` to `end`; where `every` is given, of every other `every` values only.
void add_products(Tile &tile, const float *a, const float *b, int64_t begin, int64_t end, int64_t every) {
    Tile sums = tile;
    for (int64_t k = begin; k < end; k++) {
        if (every && (k - begin) / every % 2) continue;
        Vector low = *reinterpret_cast<const Unaligned *>(a + k * TILE_M);
        Vector high = *reinterpret_cast<const Unaligned *>(a + k * TILE_M + 8);
#pragma GCC unroll 6
        for (int j = 0; j < TILE_N; j++) {
            float factor = b[k * TILE_N + j];
            sums.sums[j][0] += low * factor;
            sums.sums[j][1] += high * factor;
        }
    }
    tile = sums;
}

Tile sum_tile(const float *a, const float *b, int64_t k, const Order &order) {
    Tile total = {};
    for (int stretch = 0; stretch < order.stretches; stretch++) {
        int64_t begin = k * stretch / order.stretches, end = k * (stretch + 1) / order.stretches;
        int parts = order.interleaved ? 2 : 1;
        for (int part = 0; part < parts; part++) {
            int64_t every = order.interleaved ? 32 : 0;
            Tile sums = {};
            add_products(sums, a, b, std::min(begin + part * every, end), end, every);
            if (stretch == 0 && part == 0) {
                total = sums;
                continue;
            }
            for (int j = 0; j < TILE_N; j++) {
                for (int half = 0; half < 2; half++) total.sums[j][half] += sums.sums[j][half];
            }
        }
    }
    return total;
}

void finish(const Product &product, int64_t row, int64_t column, float sum) {
    float value = static_cast<float>(product.alpha) * sum;
    if (product.beta != 0.0) {
        value += static_cast<float>(product.beta) *
                 static_cast<float>(load(product.c.data, product.c.type, place(product.c, row, column)));
    }
    if (product.bias) value += static_cast<float>(load(product.bias, product.bias_type, row));
    store(product.d.data, product.d.type, place(product.d, row, column), static_cast<double>(value));
}

void multiply_f32(const Product &product) {
    std::vector<float> a = pack(product.a, product.m, product.k, TILE_M, true, product.inputs);
    std::vector<float> b = pack(product.b, product.n, product.k, TILE_N, false, product.inputs);
    for (int64_t column = 0; column < product.n; column += TILE_N) {
        for (int64_t row = 0; row < product.m; row += TILE_M) {
            Tile tile = sum_tile(a.data() + row * product.k, b.data() + column * product.k, product.k, product.order);
            for (int64_t j = 0; j < std::min<int64_t>(TILE_N, product.n - column); j++) {
                for (int64_t i = 0; i < std::min<int64_t>(TILE_M, product.m - row); i++) {
                    finish(product, row + i, column + j, tile.sums[j][i / 8][i % 8]);
                }
            }
        }
    }
}

void multiply_f64(const Product &product) {
    for (int64_t column = 0; column < product.n; column++) {
        for (int64_t row = 0; row < product.m; row++) {
            double sum = 0.0;
            for (int64_t k = 0; k < product.k; k++) {
                sum += load(product.a.data, CUDA_R_64F, place(product.a, row, k)) *
                       load(product.b.data, CUDA_R_64F, place(product.b, k, column));
            }
            double value = product.alpha * sum;
            if (product.beta != 0.0) value += product.beta * load(product.c.data, CUDA_R_64F, place(product.c, row, column));
            store(product.d.data, CUDA_R_64F, place(product.d, row, column), value);
        }
    }
}

} // namespace

int64_t element_bytes(cudaDataType type) {
    switch (type) {
    case CUDA_R_16F:
    case CUDA_R_16BF: return 2;
    case CUDA_R_32F: return 4;
    case CUDA_R_64F: return 8;
    default: return 0;
    }
}

int64_t matrix_bytes(const Matrix &matrix, int64_t rows, int64_t columns) {
    if (!rows || !columns) return 0;
    int64_t lines = matrix.row_major ? rows : columns, line = matrix.row_major ? columns : rows;
    return ((lines - 1) * matrix.leading + line) * element_bytes(matrix.type);
}

// cuBLAS: both inputs of one type; 16-bit inputs give their own type or f32.
bool multiply(const Product &product) {
    cudaDataType in = product.a.type, out = product.d.type;
    if (product.b.type != in || product.c.type != out || !element_bytes(in)) return false;
    if (in == CUDA_R_64F) {
        if (out != CUDA_R_64F || product.bias) return false;
        multiply_f64(product);
        return true;
    }
    if (out != in && out != CUDA_R_32F) return false;
    multiply_f32(product);
    return true;
}

} // namespace cuda_emulator
