// What kernels compute.
#include "cases.h"

#include <cmath>
#include <cstdint>
#include <cstring>

static const List SEEDED = {"NEARSAY_EMULATOR_SEED=7", "NEARSAY_EMULATOR_THREADS=2"};

static void check_shuffles() {
    begin();
    Buffer<float> output(8 * 32);
    EXPECT(launch("shuffles", {1, 32}, output.pointer) == CUDA_SUCCESS);
    std::vector<float> rows = output.read();
    for (int lane = 0; lane < 32; lane++) {
        const float *row = &rows[8 * lane];
        EXPECT_EQUAL(row[0], 5);
        EXPECT_EQUAL(row[1], lane < 3 ? lane : lane - 3);
        EXPECT_EQUAL(row[2], lane > 28 ? lane : lane + 3);
        EXPECT_EQUAL(row[3], lane ^ 1);
        EXPECT_EQUAL(row[4], lane / 8 * 8 + 1);
        EXPECT_EQUAL(row[5], lane % 8 < 2 ? lane : lane - 2);
        EXPECT_EQUAL(row[6], lane % 8 > 5 ? lane : lane + 2);
        EXPECT_EQUAL(row[7], lane ^ 4);
    }
}
CASE(shuffles, {}, {}) { check_shuffles(); }
CASE(shuffles_in_another_order, SEEDED, {}) { check_shuffles(); }

static void check_halves() {
    begin();
    Buffer<int> output(32);
    EXPECT(launch("halves", {1, 32}, output.pointer) == CUDA_SUCCESS);
    std::vector<int> values = output.read();
    for (int lane = 0; lane < 32; lane++) EXPECT_EQUAL(values[lane], (lane % 2 ? (lane + 6) % 32 : 0x55550000) + 1000);
}
CASE(halves_of_a_warp, {}, {}) { check_halves(); }
CASE(halves_of_a_warp_in_another_order, SEEDED, {}) { check_halves(); }

static void check_block_sum() {
    begin();
    const unsigned count = 100000;
    std::vector<float> values(count);
    double expected = 0;
    for (unsigned i = 0; i < count; i++) expected += values[i] = static_cast<float>(i % 7);
    Buffer<float> input(values), sums(5);
    EXPECT(launch("block_sum", {5, 1024}, input.pointer, sums.pointer, count) == CUDA_SUCCESS);
    double sum = 0;
    for (float x : sums.read()) sum += static_cast<double>(x);
    EXPECT_EQUAL(sum, expected);
}
CASE(sums_over_blocks, {}, {}) { check_block_sum(); }
CASE(sums_over_blocks_in_another_order, SEEDED, {}) { check_block_sum(); }

CASE(ended_threads_are_not_waited_for, {}, {}) {
    begin();
    Buffer<int> output(std::vector<int>(100, -1));
    EXPECT(launch("early_exit", {1, 100}, output.pointer) == CUDA_SUCCESS);
    std::vector<int> values = output.read();
    for (int i = 0; i < 100; i++) EXPECT_EQUAL(values[i], i >= 40 && i < 90 ? -1 : 107);
}

static uint16_t f16_of(float x) {
    // Small whole numbers only.
    if (x == 0.0f) return 0;
    int exponent;
    float fraction = std::frexp(std::fabs(x), &exponent);
    return static_cast<uint16_t>((x < 0 ? 0x8000 : 0) | (exponent + 14) << 10 | (static_cast<int>(fraction * 2048.0f) & 0x3ff));
}
static uint16_t bf16_of(float x) {
    uint32_t bits;
    std::memcpy(&bits, &x, 4);
    return static_cast<uint16_t>(bits >> 16);
}

static void check_product(const char *name, uint16_t (*convert)(float)) {
    begin();
    std::vector<float> a(256), b(128);
    std::vector<uint16_t> a_bits(256), b_bits(128);
    for (int i = 0; i < 256; i++) a_bits[i] = convert(a[i] = static_cast<float>((i * 37) % 29 - 14));
    for (int i = 0; i < 128; i++) b_bits[i] = convert(b[i] = static_cast<float>((i * 53) % 31 - 15));
    Buffer<uint16_t> left(a_bits), right(b_bits);
    Buffer<float> output(128);
    EXPECT(launch(name, {1, 32, 768}, left.pointer, right.pointer, output.pointer) == CUDA_SUCCESS);
    std::vector<float> c = output.read();
    for (int row = 0; row < 16; row++) {
        for (int column = 0; column < 8; column++) {
            float sum = 0.5f;
            for (int k = 0; k < 16; k++) sum += a[row * 16 + k] * b[column * 16 + k];
            EXPECT_EQUAL(c[row * 8 + column], sum);
        }
    }
}
CASE(products_of_f16, {}, {}) { check_product("product_f16", f16_of); }
CASE(products_of_bf16, SEEDED, {}) { check_product("product_bf16", bf16_of); }

CASE(ldmatrix_both_ways, {}, {}) {
    begin();
    std::vector<uint16_t> values(256);
    for (int i = 0; i < 256; i++) values[i] = static_cast<uint16_t>(100 * (i / 8) + i % 8);
    Buffer<uint16_t> input(values);
    Buffer<uint32_t> output(8 * 32);
    EXPECT(launch("matrices", {1, 32}, input.pointer, output.pointer) == CUDA_SUCCESS);
    std::vector<uint32_t> registers = output.read();
    for (uint32_t lane = 0; lane < 32; lane++) {
        for (uint32_t matrix = 0; matrix < 4; matrix++) {
            uint32_t group = lane / 4, pair = lane % 4, first = 800 * matrix;
            uint32_t straight = (first + 100 * group + 2 * pair) | (first + 100 * group + 2 * pair + 1) << 16;
            uint32_t transposed = (first + 200 * pair + group) | (first + 200 * pair + 100 + group) << 16;
            EXPECT_EQUAL(registers[8 * lane + matrix], straight);
            EXPECT_EQUAL(registers[8 * lane + 4 + matrix], transposed);
        }
    }
}

static std::vector<float> run_copies(int early) {
    begin();
    std::vector<float> values(32);
    for (int i = 0; i < 32; i++) values[i] = static_cast<float>(i + 1);
    Buffer<float> input(values), output(64);
    EXPECT(launch("copies", {1, 8}, input.pointer, output.pointer, early) == CUDA_SUCCESS);
    return output.read();
}
static void check_copies() {
    std::vector<float> rows = run_copies(0);
    for (int thread = 0; thread < 8; thread++) {
        for (int i = 0; i < 8; i++) {
            bool is_zero = i < 4 && (thread == 2 || (thread == 1 && i >= 2));
            EXPECT_EQUAL(rows[8 * thread + i], is_zero ? 0 : 4 * thread + i % 4 + 1);
        }
    }
}
CASE(asynchronous_copies, {}, {}) { check_copies(); }
CASE(asynchronous_copies_in_another_order, SEEDED, {}) { check_copies(); }
CASE(copies_read_too_early_are_poison, {}, {}) {
    for (float x : run_copies(1)) EXPECT(std::isnan(x));
}
CASE(groups_of_copies_are_waited_for_in_order, {}, {}) {
    std::vector<float> values = run_copies(2);
    for (size_t i = 0; i < values.size(); i++) EXPECT(std::isnan(values[i]) == (i % 8 >= 4));
}

static void check_atomics() {
    begin();
    Buffer<int> counts(std::vector<int>(6));
    Buffer<float> sum(std::vector<float>(1));
    Buffer<unsigned> most(std::vector<unsigned>(1));
    EXPECT(launch("atomics", {64, 100}, counts.pointer, sum.pointer, most.pointer) == CUDA_SUCCESS);
    std::vector<int> values = counts.read();
    for (int i = 0; i < 4; i++) EXPECT_EQUAL(values[i], 1600000);
    EXPECT(values[4] >= 1 && values[4] <= 64);
    EXPECT_EQUAL(values[5], 1);
    EXPECT_EQUAL(sum.read()[0], 1600);
    EXPECT_EQUAL(most.read()[0], 6399);
}
CASE(atomic_operations, {"NEARSAY_EMULATOR_THREADS=4"}, {}) { check_atomics(); }
CASE(atomic_operations_in_another_order, SEEDED, {}) { check_atomics(); }

CASE(arguments_of_all_sizes, {}, {}) {
    begin();
    struct {
        CUdeviceptr values;
        short scale;
    } pair;
    Buffer<float> input(std::vector<float>{2.0f, 3.0f}), output(4);
    pair = {input.pointer, -4};
    EXPECT(launch("arguments", {1, 1}, output.pointer, static_cast<unsigned char>(200), 0.5, pair,
                  static_cast<unsigned short>(65535)) == CUDA_SUCCESS);
    std::vector<float> values = output.read();
    EXPECT_EQUAL(values[0], 200);
    EXPECT_EQUAL(values[1], 0.5);
    EXPECT_EQUAL(values[2], -12);
    EXPECT_EQUAL(values[3], 65535);
}

static void check_block_numbers() {
    begin();
    Buffer<unsigned> output(2 * 3 * 5 * 24);
    EXPECT(launch("block_numbers", {dim3(2, 3, 5), dim3(4, 3, 2)}, output.pointer) == CUDA_SUCCESS);
    std::vector<unsigned> values = output.read();
    for (unsigned i = 0; i < values.size(); i++) EXPECT_EQUAL(values[i], 1000 * (i / 24) + i % 24);
}
CASE(grids_of_three_dimensions, {}, {}) { check_block_numbers(); }
CASE(grids_in_another_order, SEEDED, {}) { check_block_numbers(); }

// A block's threads in `neighbours` or `overwritten`, and how many got something else than the next thread's number.
static int wrong_values(const char *name, int has_barrier) {
    begin();
    const unsigned threads = 64;
    Buffer<float> output(threads);
    EXPECT(launch(name, {1, threads, threads * 4}, output.pointer, has_barrier) == CUDA_SUCCESS);
    std::vector<float> values = output.read();
    int wrong = 0;
    for (unsigned i = 0; i < threads; i++) wrong += values[i] != static_cast<float>((i + 1) % threads);
    return wrong;
}
CASE(a_barrier_orders, {}, {}) { EXPECT_EQUAL(wrong_values("neighbours", 1), 0); }
CASE(a_missing_barrier_shows, {}, {}) { EXPECT(wrong_values("neighbours", 0) > 0); }
CASE(a_second_barrier_orders, SEEDED, {}) { EXPECT_EQUAL(wrong_values("overwritten", 1), 0); }
CASE(a_missing_second_barrier_does_not_show_in_order, {}, {}) { EXPECT_EQUAL(wrong_values("overwritten", 0), 0); }
CASE(a_missing_second_barrier_shows_with_a_seed, SEEDED, {}) { EXPECT(wrong_values("overwritten", 0) > 0); }

CASE(unwritten_memory_is_not_a_number, {}, {}) {
    begin();
    Buffer<float> output(3);
    EXPECT(launch("unwritten", {1, 1, 64}, output.pointer) == CUDA_SUCCESS);
    for (float x : output.read()) EXPECT(std::isnan(x));
}
