// libcublasLt: descriptors, heuristics and cublasLtMatmul for f32, f16 and bf16 with sums in f32.
//
// The heuristic gives one algorithm whose sums are in order. With NEARSAY_EMULATOR_HEURISTIC=1 it chooses by the shape, as
// the real one does, among algorithms that sum in other orders or split k; what is computed follows the algorithm.
#include "../driver/driver.h"
#include "product.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <cublasLt.h>

using namespace cuda_emulator;

namespace {

struct Layout {
    uint32_t type;
    int32_t order;
    uint64_t rows;
    uint64_t columns;
    int64_t leading;
    int32_t batch_count;
    int32_t batch_mode;
    int64_t batch_stride;
    int64_t plane_offset;
};
static_assert(sizeof(Layout) <= sizeof(cublasLtMatrixLayoutOpaque_t), "an opaque layout holds it");

struct Description {
    int32_t compute_type;
    int32_t scale_type;
    int32_t pointer_mode;
    int32_t transpose_a, transpose_b, transpose_c;
    int32_t fill_mode;
    uint32_t epilogue;
    const void *bias;
    int64_t bias_stride;
    int32_t sm_count;
    int8_t fast_accumulation;
    int32_t bias_type;
    const void *a_scale, *b_scale, *c_scale, *d_scale;
};
static_assert(sizeof(Description) <= sizeof(cublasLtMatmulDescOpaque_t), "an opaque description holds it");

struct Preference {
    uint32_t search_mode;
    uint32_t reductions;
    uint64_t workspace_bytes;
    uint32_t alignment_a, alignment_b, alignment_c, alignment_d;
    float waves;
    uint64_t implementations;
};
static_assert(sizeof(Preference) <= sizeof(cublasLtMatmulPreferenceOpaque_t), "an opaque preference holds it");

constexpr uint32_t MAGIC = 0x6c747361;

struct Algorithm {
    uint32_t magic;
    int32_t id;
    uint32_t tile;
    int32_t splits;
    uint32_t reduction;
    uint32_t swizzling;
    uint32_t custom;
    uint32_t stages;
    uint16_t inner_shape;
    uint16_t cluster_shape;
};
static_assert(sizeof(Algorithm) <= sizeof(cublasLtMatmulAlgo_t), "an opaque algorithm holds it");

// The algorithms by id: 0 sums in order, 1 sums every other 32 values of k apart.
constexpr int IN_ORDER = 0, INTERLEAVED = 1;

struct Attribute {
    int attribute;
    size_t offset;
    size_t bytes;
};

#define ATTRIBUTE(name, Struct, member) {name, offsetof(Struct, member), sizeof(Struct::member)}

constexpr Attribute LAYOUT_ATTRIBUTES[] = {
    ATTRIBUTE(CUBLASLT_MATRIX_LAYOUT_TYPE, Layout, type),
    ATTRIBUTE(CUBLASLT_MATRIX_LAYOUT_ORDER, Layout, order),
    ATTRIBUTE(CUBLASLT_MATRIX_LAYOUT_ROWS, Layout, rows),
    ATTRIBUTE(CUBLASLT_MATRIX_LAYOUT_COLS, Layout, columns),
    ATTRIBUTE(CUBLASLT_MATRIX_LAYOUT_LD, Layout, leading),
    ATTRIBUTE(CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, Layout, batch_count),
    ATTRIBUTE(CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, Layout, batch_stride),
};

constexpr Attribute DESCRIPTION_ATTRIBUTES[] = {
    ATTRIBUTE(CUBLASLT_MATMUL_DESC_COMPUTE_TYPE, Description, compute_type),
    ATTRIBUTE(CUBLASLT_MATMUL_DESC_SCALE_TYPE, Description, scale_type),
    ATTRIBUTE(CUBLASLT_MATMUL_DESC_POINTER_MODE, Description, pointer_mode),
    ATTRIBUTE(CUBLASLT_MATMUL_DESC_TRANSA, Description, transpose_a),
    ATTRIBUTE(CUBLASLT_MATMUL_DESC_TRANSB, Description, transpose_b),
    ATTRIBUTE(CUBLASLT_MATMUL_DESC_TRANSC, Description, transpose_c),
    ATTRIBUTE(CUBLASLT_MATMUL_DESC_FILL_MODE, Description, fill_mode),
    ATTRIBUTE(CUBLASLT_MATMUL_DESC_EPILOGUE, Description, epilogue),
    ATTRIBUTE(CUBLASLT_MATMUL_DESC_BIAS_POINTER, Description, bias),
    ATTRIBUTE(CUBLASLT_MATMUL_DESC_BIAS_BATCH_STRIDE, Description, bias_stride),
    ATTRIBUTE(CUBLASLT_MATMUL_DESC_SM_COUNT_TARGET, Description, sm_count),
    ATTRIBUTE(CUBLASLT_MATMUL_DESC_FAST_ACCUM, Description, fast_accumulation),
    ATTRIBUTE(CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, Description, bias_type),
    ATTRIBUTE(CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, Description, a_scale),
    ATTRIBUTE(CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, Description, b_scale),
    ATTRIBUTE(CUBLASLT_MATMUL_DESC_C_SCALE_POINTER, Description, c_scale),
    ATTRIBUTE(CUBLASLT_MATMUL_DESC_D_SCALE_POINTER, Description, d_scale),
};

constexpr Attribute PREFERENCE_ATTRIBUTES[] = {
    ATTRIBUTE(CUBLASLT_MATMUL_PREF_SEARCH_MODE, Preference, search_mode),
    ATTRIBUTE(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, Preference, workspace_bytes),
    ATTRIBUTE(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, Preference, reductions),
    ATTRIBUTE(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, Preference, alignment_a),
    ATTRIBUTE(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, Preference, alignment_b),
    ATTRIBUTE(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, Preference, alignment_c),
    ATTRIBUTE(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, Preference, alignment_d),
    ATTRIBUTE(CUBLASLT_MATMUL_PREF_MAX_WAVES_COUNT, Preference, waves),
    ATTRIBUTE(CUBLASLT_MATMUL_PREF_IMPL_MASK, Preference, implementations),
};

constexpr Attribute ALGORITHM_ATTRIBUTES[] = {
    ATTRIBUTE(CUBLASLT_ALGO_CONFIG_ID, Algorithm, id),
    ATTRIBUTE(CUBLASLT_ALGO_CONFIG_TILE_ID, Algorithm, tile),
    ATTRIBUTE(CUBLASLT_ALGO_CONFIG_SPLITK_NUM, Algorithm, splits),
    ATTRIBUTE(CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME, Algorithm, reduction),
    ATTRIBUTE(CUBLASLT_ALGO_CONFIG_CTA_SWIZZLING, Algorithm, swizzling),
    ATTRIBUTE(CUBLASLT_ALGO_CONFIG_CUSTOM_OPTION, Algorithm, custom),
    ATTRIBUTE(CUBLASLT_ALGO_CONFIG_STAGES_ID, Algorithm, stages),
    ATTRIBUTE(CUBLASLT_ALGO_CONFIG_INNER_SHAPE_ID, Algorithm, inner_shape),
    ATTRIBUTE(CUBLASLT_ALGO_CONFIG_CLUSTER_SHAPE_ID, Algorithm, cluster_shape),
};

template <size_t count> const Attribute *find(const Attribute (&all)[count], int attribute, const char *call) {
    for (const Attribute &known : all) {
        if (known.attribute == attribute) return &known;
    }
    complain("%s: the attribute %d is not emulated", call, attribute);
    return nullptr;
}

template <size_t count> cublasStatus_t set(void *object, const Attribute (&all)[count], int attribute, const void *value,
                                           size_t bytes, const char *call) {
    const Attribute *known = find(all, attribute, call);
    if (!object || !known || !value || bytes != known->bytes) return CUBLAS_STATUS_INVALID_VALUE;
    std::memcpy(static_cast<char *>(object) + known->offset, value, bytes);
    return CUBLAS_STATUS_SUCCESS;
}

template <size_t count> cublasStatus_t get(const void *object, const Attribute (&all)[count], int attribute, void *value,
                                           size_t bytes, size_t *written, const char *call) {
    const Attribute *known = find(all, attribute, call);
    if (!object || !known) return CUBLAS_STATUS_INVALID_VALUE;
    if (written) *written = known->bytes;
    if (!bytes && written) return CUBLAS_STATUS_SUCCESS;
    if (!value || bytes != known->bytes) return CUBLAS_STATUS_INVALID_VALUE;
    std::memcpy(value, static_cast<const char *>(object) + known->offset, bytes);
    return CUBLAS_STATUS_SUCCESS;
}

Layout make_layout(cudaDataType type, uint64_t rows, uint64_t columns, int64_t leading) {
    Layout layout{};
    layout.type = type;
    layout.order = CUBLASLT_ORDER_COL;
    layout.rows = rows;
    layout.columns = columns;
    layout.leading = leading;
    layout.batch_count = 1;
    return layout;
}

Description make_description(cublasComputeType_t compute_type, cudaDataType scale_type) {
    Description description{};
    description.compute_type = compute_type;
    description.scale_type = scale_type;
    description.pointer_mode = CUBLASLT_POINTER_MODE_HOST;
    description.transpose_a = description.transpose_b = description.transpose_c = CUBLAS_OP_N;
    description.fill_mode = CUBLAS_FILL_MODE_FULL;
    description.epilogue = CUBLASLT_EPILOGUE_DEFAULT;
    description.bias_type = -1;
    return description;
}

Preference make_preference() {
    Preference preference{};
    preference.search_mode = CUBLASLT_SEARCH_BEST_FIT;
    preference.reductions = CUBLASLT_REDUCTION_SCHEME_MASK;
    preference.alignment_a = preference.alignment_b = preference.alignment_c = preference.alignment_d = 256;
    preference.implementations = ~uint64_t{0};
    return preference;
}

template <class Struct, class Opaque> Struct &inside(Opaque *opaque) { return *reinterpret_cast<Struct *>(opaque); }
template <class Struct, class Opaque> const Struct &inside(const Opaque *opaque) {
    return *reinterpret_cast<const Struct *>(opaque);
}

// A problem whose descriptors agree with each other.
struct Problem {
    Product product;
    const Layout *a, *b, *c, *d;
    int batches;
};

const char *fill_in(Problem &problem, const Description &description) {
    Product &product = problem.product;
    const Layout &a = *problem.a, &b = *problem.b, &c = *problem.c, &d = *problem.d;
    for (int32_t transpose : {description.transpose_a, description.transpose_b}) {
        if (transpose != CUBLAS_OP_N && transpose != CUBLAS_OP_T) return "an operation that is neither N nor T";
    }
    if (description.transpose_c != CUBLAS_OP_N) return "a transposed C";
    if (description.pointer_mode != CUBLASLT_POINTER_MODE_HOST) return "scalars that are not in host memory";
    if (description.a_scale || description.b_scale || description.c_scale || description.d_scale)
        return "scales of 8-bit types";
    if (description.epilogue != CUBLASLT_EPILOGUE_DEFAULT && description.epilogue != CUBLASLT_EPILOGUE_BIAS)
        return "an epilogue that is neither DEFAULT nor BIAS";
    for (const Layout *layout : {&a, &b, &c, &d}) {
        if (layout->order != CUBLASLT_ORDER_COL && layout->order != CUBLASLT_ORDER_ROW)
            return "an order of memory that is neither COL nor ROW";
        int64_t line = static_cast<int64_t>(layout->order == CUBLASLT_ORDER_COL ? layout->rows : layout->columns);
        if (layout->leading < line) return "a leading dimension that is too small";
        if (!element_bytes(static_cast<cudaDataType>(layout->type))) return "a type that is neither f64, f32, f16 nor bf16";
        if (layout->batch_count != d.batch_count) return "matrices of different batch counts";
    }
    auto matrix = [](const Layout &layout, int32_t transpose) {
        return Matrix{nullptr, static_cast<cudaDataType>(layout.type), layout.order == CUBLASLT_ORDER_ROW,
                      transpose == CUBLAS_OP_T, layout.leading};
    };
    product.a = matrix(a, description.transpose_a);
    product.b = matrix(b, description.transpose_b);
    product.c = matrix(c, CUBLAS_OP_N);
    product.d = matrix(d, CUBLAS_OP_N);
    uint64_t m = product.a.transposed ? a.columns : a.rows, k = product.a.transposed ? a.rows : a.columns;
    uint64_t other_k = product.b.transposed ? b.columns : b.rows, n = product.b.transposed ? b.rows : b.columns;
    if (k != other_k || d.rows != m || d.columns != n || c.rows != m || c.columns != n)
        return "shapes that do not fit each other";
    product.m = static_cast<int64_t>(m);
    product.n = static_cast<int64_t>(n);
    product.k = static_cast<int64_t>(k);
    product.bias_type = description.bias_type < 0 ? product.d.type : static_cast<cudaDataType>(description.bias_type);
    if (product.bias_type != product.d.type) return "a bias of another type than D's";
    problem.batches = d.batch_count;
    cudaDataType in = product.a.type;
    product.inputs = Inputs::as_they_are;
    switch (description.compute_type) {
    case CUBLAS_COMPUTE_64F:
        return in == CUDA_R_64F && description.scale_type == CUDA_R_64F ? nullptr : "types that do not fit COMPUTE_64F";
    case CUBLAS_COMPUTE_32F:
    case CUBLAS_COMPUTE_32F_PEDANTIC: break;
    case CUBLAS_COMPUTE_32F_FAST_TF32: product.inputs = in == CUDA_R_32F ? Inputs::tf32 : Inputs::as_they_are; break;
    case CUBLAS_COMPUTE_32F_FAST_16F: product.inputs = Inputs::f16; break;
    case CUBLAS_COMPUTE_32F_FAST_16BF: product.inputs = Inputs::bf16; break;
    default: return "a compute type that is neither 32F, one of its fast ones, nor 64F";
    }
    if (description.scale_type != CUDA_R_32F || in == CUDA_R_64F) return "types that do not fit COMPUTE_32F";
    if (product.b.type != in || product.c.type != product.d.type || (product.d.type != in && product.d.type != CUDA_R_32F))
        return "types that do not fit each other";
    return nullptr;
}

uint64_t workspace_of(const Algorithm &algorithm, const Problem &problem) {
    if (algorithm.reduction != CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE) return 0;
    return static_cast<uint64_t>(algorithm.splits * problem.product.m * problem.product.n * problem.batches) * 4;
}

Algorithm in_order() {
    Algorithm algorithm{};
    algorithm.magic = MAGIC;
    algorithm.id = IN_ORDER;
    algorithm.tile = CUBLASLT_MATMUL_TILE_128x128;
    algorithm.splits = 1;
    algorithm.stages = CUBLASLT_MATMUL_STAGES_32x3;
    return algorithm;
}

// As the real heuristic: small results of long sums are split so that all multiprocessors have work.
Algorithm by_shape(const Problem &problem, const Preference &preference) {
    Algorithm algorithm = in_order();
    const Product &product = problem.product;
    int64_t tiles = ((product.m + 63) / 64) * ((product.n + 63) / 64) * problem.batches;
    algorithm.id = (product.m / 64 + product.n / 8) % 2 ? INTERLEAVED : IN_ORDER;
    if (tiles < 132) algorithm.tile = CUBLASLT_MATMUL_TILE_64x64;
    if (tiles >= 66 || product.k < 256) return algorithm;
    algorithm.splits = static_cast<int32_t>(std::min<int64_t>(132 / tiles, product.k / 128));
    algorithm.reduction = CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;
    if (preference.reductions & CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE &&
        workspace_of(algorithm, problem) <= preference.workspace_bytes)
        return algorithm;
    algorithm.reduction = CUBLASLT_REDUCTION_SCHEME_INPLACE;
    if (preference.reductions & CUBLASLT_REDUCTION_SCHEME_INPLACE) return algorithm;
    algorithm.splits = 1;
    algorithm.reduction = CUBLASLT_REDUCTION_SCHEME_NONE;
    return algorithm;
}

const char *check(const Algorithm &algorithm) {
    if (algorithm.magic != MAGIC) return "an algorithm that neither the heuristic nor cublasLtMatmulAlgoInit made";
    if (algorithm.id != IN_ORDER && algorithm.id != INTERLEAVED) return "an algorithm that does not exist";
    if (algorithm.splits < 0) return "a negative split of k";
    if (algorithm.splits > 1 && algorithm.reduction == CUBLASLT_REDUCTION_SCHEME_NONE)
        return "a split of k without a reduction";
    return nullptr;
}

cublasStatus_t refuse(const char *call, const char *why, cublasStatus_t status) {
    complain("%s: %s", call, why);
    return status;
}

bool in_memory(const Matrix &matrix, const Layout &layout, int batches, const char *call) {
    int64_t bytes = matrix_bytes(matrix, static_cast<int64_t>(layout.rows), static_cast<int64_t>(layout.columns));
    int64_t size = element_bytes(matrix.type);
    if (reinterpret_cast<uintptr_t>(matrix.data) % static_cast<uintptr_t>(size)) {
        complain("%s: %p is not aligned to its elements", call, matrix.data);
        return false;
    }
    bytes += (batches - 1) * layout.batch_stride * size;
    return lies_in_device_memory(matrix.data, static_cast<size_t>(bytes), current_device(), call);
}

const void *advance(const void *data, int64_t elements, cudaDataType type) {
    return static_cast<const char *>(data) + elements * element_bytes(type);
}

} // namespace

CUDA_EMULATOR_API cublasStatus_t cublasLtCreate(cublasLtHandle_t *handle) {
    if (!handle) return CUBLAS_STATUS_INVALID_VALUE;
    if (standing_in_context() != CUDA_SUCCESS) return CUBLAS_STATUS_NOT_INITIALIZED;
    *handle = reinterpret_cast<cublasLtHandle_t>(new char);
    add_handle(*handle, "cublasLt handle");
    return CUBLAS_STATUS_SUCCESS;
}

CUDA_EMULATOR_API cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
    if (!remove_handle(handle, "cublasLt handle", "cublasLtDestroy")) return CUBLAS_STATUS_NOT_INITIALIZED;
    delete reinterpret_cast<char *>(handle);
    return CUBLAS_STATUS_SUCCESS;
}

CUDA_EMULATOR_API size_t cublasLtGetVersion() { return CUBLAS_VERSION; }
CUDA_EMULATOR_API size_t cublasLtGetCudartVersion() { return CUDA_VERSION; }
CUDA_EMULATOR_API const char *cublasLtGetStatusName(cublasStatus_t status) {
    return status == CUBLAS_STATUS_SUCCESS ? "CUBLAS_STATUS_SUCCESS" : "a cuBLAS error";
}
CUDA_EMULATOR_API const char *cublasLtGetStatusString(cublasStatus_t status) { return cublasLtGetStatusName(status); }

CUDA_EMULATOR_API cublasStatus_t cublasLtMatrixLayoutInit_internal(cublasLtMatrixLayout_t layout, size_t bytes,
                                                                   cudaDataType type, uint64_t rows, uint64_t columns,
                                                                   int64_t leading) {
    if (!layout || bytes < sizeof(Layout)) return CUBLAS_STATUS_INVALID_VALUE;
    inside<Layout>(layout) = make_layout(type, rows, columns, leading);
    return CUBLAS_STATUS_SUCCESS;
}
CUDA_EMULATOR_API cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t *layout, cudaDataType type, uint64_t rows,
                                                            uint64_t columns, int64_t leading) {
    if (!layout) return CUBLAS_STATUS_INVALID_VALUE;
    *layout = new cublasLtMatrixLayoutOpaque_t{};
    return cublasLtMatrixLayoutInit_internal(*layout, sizeof **layout, type, rows, columns, leading);
}
CUDA_EMULATOR_API cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
    delete layout;
    return CUBLAS_STATUS_SUCCESS;
}
CUDA_EMULATOR_API cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t layout,
                                                                  cublasLtMatrixLayoutAttribute_t attribute, const void *value,
                                                                  size_t bytes) {
    return set(layout, LAYOUT_ATTRIBUTES, attribute, value, bytes, "cublasLtMatrixLayoutSetAttribute");
}
CUDA_EMULATOR_API cublasStatus_t cublasLtMatrixLayoutGetAttribute(cublasLtMatrixLayout_t layout,
                                                                  cublasLtMatrixLayoutAttribute_t attribute, void *value,
                                                                  size_t bytes, size_t *written) {
    return get(layout, LAYOUT_ATTRIBUTES, attribute, value, bytes, written, "cublasLtMatrixLayoutGetAttribute");
}

CUDA_EMULATOR_API cublasStatus_t cublasLtMatmulDescInit_internal(cublasLtMatmulDesc_t description, size_t bytes,
                                                                 cublasComputeType_t compute_type, cudaDataType scale_type) {
    if (!description || bytes < sizeof(Description)) return CUBLAS_STATUS_INVALID_VALUE;
    inside<Description>(description) = make_description(compute_type, scale_type);
    return CUBLAS_STATUS_SUCCESS;
}
CUDA_EMULATOR_API cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t *description, cublasComputeType_t compute_type,
                                                          cudaDataType scale_type) {
    if (!description) return CUBLAS_STATUS_INVALID_VALUE;
    *description = new cublasLtMatmulDescOpaque_t{};
    return cublasLtMatmulDescInit_internal(*description, sizeof **description, compute_type, scale_type);
}
CUDA_EMULATOR_API cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t description) {
    delete description;
    return CUBLAS_STATUS_SUCCESS;
}
CUDA_EMULATOR_API cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t description,
                                                                cublasLtMatmulDescAttributes_t attribute, const void *value,
                                                                size_t bytes) {
    return set(description, DESCRIPTION_ATTRIBUTES, attribute, value, bytes, "cublasLtMatmulDescSetAttribute");
}
CUDA_EMULATOR_API cublasStatus_t cublasLtMatmulDescGetAttribute(cublasLtMatmulDesc_t description,
                                                                cublasLtMatmulDescAttributes_t attribute, void *value,
                                                                size_t bytes, size_t *written) {
    return get(description, DESCRIPTION_ATTRIBUTES, attribute, value, bytes, written, "cublasLtMatmulDescGetAttribute");
}

CUDA_EMULATOR_API cublasStatus_t cublasLtMatmulPreferenceInit_internal(cublasLtMatmulPreference_t preference, size_t bytes) {
    if (!preference || bytes < sizeof(Preference)) return CUBLAS_STATUS_INVALID_VALUE;
    inside<Preference>(preference) = make_preference();
    return CUBLAS_STATUS_SUCCESS;
}
CUDA_EMULATOR_API cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t *preference) {
    if (!preference) return CUBLAS_STATUS_INVALID_VALUE;
    *preference = new cublasLtMatmulPreferenceOpaque_t{};
    return cublasLtMatmulPreferenceInit_internal(*preference, sizeof **preference);
}
CUDA_EMULATOR_API cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
    delete preference;
    return CUBLAS_STATUS_SUCCESS;
}
CUDA_EMULATOR_API cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                                      cublasLtMatmulPreferenceAttributes_t attribute,
                                                                      const void *value, size_t bytes) {
    return set(preference, PREFERENCE_ATTRIBUTES, attribute, value, bytes, "cublasLtMatmulPreferenceSetAttribute");
}
CUDA_EMULATOR_API cublasStatus_t cublasLtMatmulPreferenceGetAttribute(cublasLtMatmulPreference_t preference,
                                                                      cublasLtMatmulPreferenceAttributes_t attribute,
                                                                      void *value, size_t bytes, size_t *written) {
    return get(preference, PREFERENCE_ATTRIBUTES, attribute, value, bytes, written, "cublasLtMatmulPreferenceGetAttribute");
}

static void give(cublasLtMatmulHeuristicResult_t &result, const Algorithm &algorithm, const Problem &problem) {
    result = {};
    inside<Algorithm>(&result.algo) = algorithm;
    result.workspaceSize = workspace_of(algorithm, problem);
    result.state = CUBLAS_STATUS_SUCCESS;
    result.wavesCount = 1.0f;
}

CUDA_EMULATOR_API cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t description,
                                                                cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                                                cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                                                cublasLtMatmulPreference_t preference, int wanted,
                                                                cublasLtMatmulHeuristicResult_t results[], int *given) {
    const char *call = "cublasLtMatmulAlgoGetHeuristic";
    if (!is_handle(handle, "cublasLt handle", call)) return CUBLAS_STATUS_NOT_INITIALIZED;
    if (!description || !a || !b || !c || !d || !preference || !results || !given || wanted < 1)
        return CUBLAS_STATUS_INVALID_VALUE;
    *given = 0;
    Problem problem{{}, &inside<Layout>(a), &inside<Layout>(b), &inside<Layout>(c), &inside<Layout>(d), 1};
    if (const char *wrong = fill_in(problem, inside<Description>(description)))
        return refuse(call, wrong, CUBLAS_STATUS_NOT_SUPPORTED);
    if (settings().chooses_by_shape) give(results[(*given)++], by_shape(problem, inside<Preference>(preference)), problem);
    if (*given < wanted) give(results[(*given)++], in_order(), problem);
    return CUBLAS_STATUS_SUCCESS;
}

CUDA_EMULATOR_API cublasStatus_t cublasLtMatmulAlgoGetIds(cublasLtHandle_t, cublasComputeType_t, cudaDataType_t, cudaDataType_t,
                                                          cudaDataType_t, cudaDataType_t, cudaDataType_t, int wanted, int ids[],
                                                          int *given) {
    if (!ids || !given || wanted < 1) return CUBLAS_STATUS_INVALID_VALUE;
    *given = 0;
    for (int id : {IN_ORDER, INTERLEAVED}) {
        if (*given < wanted) ids[(*given)++] = id;
    }
    return CUBLAS_STATUS_SUCCESS;
}

CUDA_EMULATOR_API cublasStatus_t cublasLtMatmulAlgoInit(cublasLtHandle_t, cublasComputeType_t, cudaDataType_t, cudaDataType_t,
                                                        cudaDataType_t, cudaDataType_t, cudaDataType_t, int id,
                                                        cublasLtMatmulAlgo_t *algorithm) {
    if (!algorithm || (id != IN_ORDER && id != INTERLEAVED)) return CUBLAS_STATUS_INVALID_VALUE;
    *algorithm = {};
    inside<Algorithm>(algorithm) = in_order();
    inside<Algorithm>(algorithm).id = id;
    return CUBLAS_STATUS_SUCCESS;
}

CUDA_EMULATOR_API cublasStatus_t cublasLtMatmulAlgoConfigSetAttribute(cublasLtMatmulAlgo_t *algorithm,
                                                                      cublasLtMatmulAlgoConfigAttributes_t attribute,
                                                                      const void *value, size_t bytes) {
    if (attribute == CUBLASLT_ALGO_CONFIG_ID) return CUBLAS_STATUS_INVALID_VALUE;
    return set(algorithm, ALGORITHM_ATTRIBUTES, attribute, value, bytes, "cublasLtMatmulAlgoConfigSetAttribute");
}
CUDA_EMULATOR_API cublasStatus_t cublasLtMatmulAlgoConfigGetAttribute(const cublasLtMatmulAlgo_t *algorithm,
                                                                      cublasLtMatmulAlgoConfigAttributes_t attribute,
                                                                      void *value, size_t bytes, size_t *written) {
    return get(algorithm, ALGORITHM_ATTRIBUTES, attribute, value, bytes, written, "cublasLtMatmulAlgoConfigGetAttribute");
}

CUDA_EMULATOR_API cublasStatus_t cublasLtMatmulAlgoCheck(cublasLtHandle_t handle, cublasLtMatmulDesc_t description,
                                                         cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                                         cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                                         const cublasLtMatmulAlgo_t *algorithm,
                                                         cublasLtMatmulHeuristicResult_t *result) {
    const char *call = "cublasLtMatmulAlgoCheck";
    if (!is_handle(handle, "cublasLt handle", call)) return CUBLAS_STATUS_NOT_INITIALIZED;
    if (!description || !a || !b || !c || !d || !algorithm || !result) return CUBLAS_STATUS_INVALID_VALUE;
    Problem problem{{}, &inside<Layout>(a), &inside<Layout>(b), &inside<Layout>(c), &inside<Layout>(d), 1};
    if (const char *wrong = fill_in(problem, inside<Description>(description)))
        return refuse(call, wrong, CUBLAS_STATUS_NOT_SUPPORTED);
    if (const char *wrong = check(inside<Algorithm>(algorithm))) return refuse(call, wrong, CUBLAS_STATUS_NOT_SUPPORTED);
    give(*result, inside<Algorithm>(algorithm), problem);
    return CUBLAS_STATUS_SUCCESS;
}

CUDA_EMULATOR_API cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t description_of, const void *alpha,
                                                const void *a, cublasLtMatrixLayout_t a_layout, const void *b,
                                                cublasLtMatrixLayout_t b_layout, const void *beta, const void *c,
                                                cublasLtMatrixLayout_t c_layout, void *d, cublasLtMatrixLayout_t d_layout,
                                                const cublasLtMatmulAlgo_t *algorithm_of, void *workspace,
                                                size_t workspace_bytes, cudaStream_t stream) {
    const char *call = "cublasLtMatmul";
    if (!is_handle(handle, "cublasLt handle", call)) return CUBLAS_STATUS_NOT_INITIALIZED;
    if (!description_of || !alpha || !beta || !a || !b || !d || !a_layout || !b_layout || !c_layout || !d_layout)
        return CUBLAS_STATUS_INVALID_VALUE;
    if (!is_stream(stream, call)) return CUBLAS_STATUS_INVALID_VALUE;
    const Description &description = inside<Description>(description_of);
    Problem problem{
        {}, &inside<Layout>(a_layout), &inside<Layout>(b_layout), &inside<Layout>(c_layout), &inside<Layout>(d_layout), 1};
    if (const char *wrong = fill_in(problem, description)) return refuse(call, wrong, CUBLAS_STATUS_NOT_SUPPORTED);
    Product &product = problem.product;
    bool is_double = description.scale_type == CUDA_R_64F;
    product.alpha = is_double ? *static_cast<const double *>(alpha) : static_cast<double>(*static_cast<const float *>(alpha));
    product.beta = is_double ? *static_cast<const double *>(beta) : static_cast<double>(*static_cast<const float *>(beta));
    // Without an algorithm the library asks its heuristic itself, with the workspace that it was given.
    Preference preference = make_preference();
    preference.workspace_bytes = workspace_bytes;
    Algorithm algorithm = algorithm_of                  ? inside<Algorithm>(algorithm_of)
                          : settings().chooses_by_shape ? by_shape(problem, preference)
                                                        : in_order();
    if (const char *wrong = check(algorithm)) return refuse(call, wrong, CUBLAS_STATUS_NOT_SUPPORTED);
    if (workspace_of(algorithm, problem) > workspace_bytes)
        return refuse(call, "the workspace is too small for the algorithm", CUBLAS_STATUS_INVALID_VALUE);
    if (workspace_bytes && (!workspace || !lies_in_device_memory(workspace, workspace_bytes, current_device(), call)))
        return CUBLAS_STATUS_INVALID_VALUE;
    product.order = {std::max(algorithm.splits, 1), algorithm.id == INTERLEAVED};
    product.a.data = a;
    product.b.data = b;
    product.c.data = c;
    product.d.data = d;
    bool reads_c = product.beta != 0.0;
    if (reads_c && !c) return CUBLAS_STATUS_INVALID_VALUE;
    bool is_good = in_memory(product.a, *problem.a, problem.batches, call) &&
                   in_memory(product.b, *problem.b, problem.batches, call) &&
                   in_memory(product.d, *problem.d, problem.batches, call) &&
                   (!reads_c || in_memory(product.c, *problem.c, problem.batches, call));
    const void *bias = description.epilogue == CUBLASLT_EPILOGUE_BIAS ? description.bias : nullptr;
    if (description.epilogue == CUBLASLT_EPILOGUE_BIAS) {
        if (!bias) return refuse(call, "an epilogue BIAS without a bias", CUBLAS_STATUS_INVALID_VALUE);
        int64_t bytes = (product.m + (problem.batches - 1) * description.bias_stride) * element_bytes(product.bias_type);
        is_good = is_good && lies_in_device_memory(bias, static_cast<size_t>(bytes), current_device(), call);
    }
    if (!is_good) {
        stay(CUDA_ERROR_ILLEGAL_ADDRESS);
        return CUBLAS_STATUS_EXECUTION_FAILED;
    }
    if (begin_launch(call) != CUDA_SUCCESS) return CUBLAS_STATUS_EXECUTION_FAILED;
    for (int batch = 0; batch < problem.batches; batch++) {
        Product one = product;
        one.a.data = advance(a, batch * problem.a->batch_stride, product.a.type);
        one.b.data = advance(b, batch * problem.b->batch_stride, product.b.type);
        one.c.data = reads_c ? advance(c, batch * problem.c->batch_stride, product.c.type) : nullptr;
        one.d.data = advance(d, batch * problem.d->batch_stride, product.d.type);
        one.bias = bias ? advance(bias, batch * description.bias_stride, product.bias_type) : nullptr;
        if (!multiply(one)) return refuse(call, "types that are not emulated", CUBLAS_STATUS_NOT_SUPPORTED);
    }
    return CUBLAS_STATUS_SUCCESS;
}
