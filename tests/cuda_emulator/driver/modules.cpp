// Modules of PTX, whose entries are found again as kernels that g++ compiled, and launches.
#include "driver.h"

#include <algorithm>
#include <cstring>
#include <dirent.h>
#include <dlfcn.h>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>

struct CUfunc_st {
    CUmod_st *module;
    cuda_emulator::PtxEntry entry;
    const cuda_emulator::Kernel *kernel;
    const cuda_emulator::Library *library;
    size_t max_dynamic_shared_bytes;
};

struct CUmod_st {
    std::vector<std::unique_ptr<CUfunc_st>> functions;
};

namespace cuda_emulator {
namespace {

// Shared memory that a block has without asking for more.
constexpr size_t SHARED_BYTES = 48 << 10;
constexpr unsigned MAX_THREADS = 1024;

struct Found {
    const Kernel *kernel;
    Library *library;
};

using Kernels = std::map<std::string, Found>;

void load_library(const std::string &path, Kernels &kernels) {
    void *handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        complain("%s", dlerror());
        return;
    }
    auto list = reinterpret_cast<const Kernel *(*)(size_t *)>(dlsym(handle, "cuda_emulator_kernels"));
    auto shared = reinterpret_cast<unsigned char *(*)()>(dlsym(handle, "cuda_emulator_shared_memory"));
    if (!list || !shared) {
        complain("%s is not a library of kernels", path.c_str());
        return;
    }
    auto *library = new Library{strdup(path.c_str()), shared};
    size_t count = 0;
    const Kernel *all = list(&count);
    for (size_t i = 0; i < count; i++) {
        if (!kernels.emplace(all[i].name, Found{&all[i], library}).second) {
            complain("the kernel %s is in %s and in another library too", all[i].name, path.c_str());
        }
    }
}

void load_folder(const std::string &folder, Kernels &kernels) {
    std::vector<std::string> names;
    if (DIR *open = opendir(folder.c_str())) {
        while (const dirent *entry = readdir(open)) {
            std::string name = entry->d_name;
            if (name.size() > 3 && name.substr(name.size() - 3) == ".so") names.push_back(name);
        }
        closedir(open);
    }
    std::sort(names.begin(), names.end());
    for (const std::string &name : names) load_library(folder + "/" + name, kernels);
}

// The folders beside this library whose names begin with "kernels", parted by colons.
std::string own_folders() {
    Dl_info info;
    std::string path = dladdr(reinterpret_cast<void *>(load_folder), &info) && info.dli_fname ? info.dli_fname : "";
    size_t slash = path.rfind('/');
    std::string folder = slash == std::string::npos ? "." : path.substr(0, slash), folders;
    if (DIR *open = opendir(folder.c_str())) {
        while (const dirent *entry = readdir(open)) {
            if (!std::strncmp(entry->d_name, "kernels", 7)) folders += folder + "/" + entry->d_name + ":";
        }
        closedir(open);
    }
    return folders;
}

const Kernels &kernels() {
    static const Kernels *all = [] {
        auto *found = new Kernels;
        std::istringstream folders(settings().kernels.empty() ? own_folders() : settings().kernels);
        for (std::string folder; std::getline(folders, folder, ':');) load_folder(folder, *found);
        return found;
    }();
    return *all;
}

bool has_parameters(const Kernel &kernel, const PtxEntry &entry) {
    if (kernel.parameter_count != entry.parameter_bytes.size()) return false;
    for (size_t i = 0; i < kernel.parameter_count; i++) {
        if (kernel.parameters[i].bytes != entry.parameter_bytes[i]) return false;
    }
    return true;
}

CUresult check_dimensions(const CUfunc_st &function, const dim3 &grid, const dim3 &block, size_t dynamic_shared_bytes) {
    uint64_t threads = uint64_t{block.x} * block.y * block.z;
    const char *wrong = nullptr;
    if (!grid.x || !grid.y || !grid.z || !threads)
        wrong = "a dimension of 0";
    else if (grid.x > 0x7fffffff || grid.y > 65535 || grid.z > 65535)
        wrong = "too large a grid";
    else if (block.x > 1024 || block.y > 1024 || block.z > 64 || threads > MAX_THREADS)
        wrong = "too large a block";
    else if (dynamic_shared_bytes > function.max_dynamic_shared_bytes)
        wrong = "more dynamic shared memory than the function may have";
    else if (dynamic_shared_bytes + function.entry.static_shared_bytes > shared_bytes_on_request())
        wrong = "too much shared memory";
    if (wrong) {
        complain("launch of %s with grid (%u, %u, %u), block (%u, %u, %u) and %zu bytes of dynamic shared memory (it may have "
                 "%zu, and has %zu static): %s",
                 function.entry.name.c_str(), grid.x, grid.y, grid.z, block.x, block.y, block.z, dynamic_shared_bytes,
                 function.max_dynamic_shared_bytes, function.entry.static_shared_bytes, wrong);
        return CUDA_ERROR_INVALID_VALUE;
    }
    if (function.entry.max_threads && threads > function.entry.max_threads) {
        complain("launch of %s with %llu threads: its launch bounds are %u", function.entry.name.c_str(),
                 static_cast<unsigned long long>(threads), function.entry.max_threads);
        return CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES;
    }
    return CUDA_SUCCESS;
}

bool check_arguments(const Kernel &kernel, void *const *arguments) {
    bool good = true;
    for (size_t i = 0; i < kernel.parameter_count; i++) {
        if (!kernel.parameters[i].is_pointer) continue;
        const void *pointer = *static_cast<const void *const *>(arguments[i]);
        if (is_argument(pointer, current_device())) continue;
        complain("launch of %s: argument %zu, %p, is not in memory of the device: %s", kernel.name, i, pointer,
                 describe_address(reinterpret_cast<uintptr_t>(pointer)).c_str());
        good = false;
    }
    return good;
}

CUresult launch(CUfunc_st *function, dim3 grid, dim3 block, size_t dynamic_shared_bytes, CUstream stream, void **arguments,
                void **extra) {
    if (CUresult error = standing_in_context()) return error;
    if (!function || !is_handle(function, "function", "cuLaunchKernel") || !is_stream(stream, "cuLaunchKernel"))
        return CUDA_ERROR_INVALID_HANDLE;
    const std::string &name = function->entry.name;
    if (CUresult error = check_dimensions(*function, grid, block, dynamic_shared_bytes)) return error;
    if (!function->kernel) {
        complain("the kernel %s is not emulated", name.c_str());
        return CUDA_ERROR_NOT_SUPPORTED;
    }
    if (!has_parameters(*function->kernel, function->entry)) {
        complain("the kernel %s has other parameters in its PTX than in %s: build the emulator again", name.c_str(),
                 function->library->path);
        return CUDA_ERROR_NOT_SUPPORTED;
    }
    if (extra || (!arguments && function->kernel->parameter_count)) {
        complain("launch of %s: arguments in a buffer are not emulated", name.c_str());
        return CUDA_ERROR_NOT_SUPPORTED;
    }
    if (!check_arguments(*function->kernel, arguments)) return stay(CUDA_ERROR_ILLEGAL_ADDRESS);
    if (CUresult error = begin_launch(name.c_str())) return error;
    CUresult error = run({function->kernel, function->library, grid, block, dynamic_shared_bytes, arguments});
    bool whole = surroundings_are_whole(("kernel " + name).c_str());
    if (error != CUDA_SUCCESS) return stay(error);
    return whole ? CUDA_SUCCESS : stay(CUDA_ERROR_ILLEGAL_ADDRESS);
}

// PTX ISA, "Release Notes": which driver takes which version of PTX.
int newest_ptx_version() {
    struct Version {
        int driver, ptx;
    };
    static constexpr Version VERSIONS[] = {{11080, 78}, {12000, 80}, {12010, 81}, {12020, 82}, {12030, 83}, {12040, 84},
                                           {12050, 85}, {12070, 86}, {12080, 87}, {12090, 88}, {13000, 90}, {13010, 91}};
    int newest = 0;
    for (const Version &version : VERSIONS) {
        if (settings().driver_version >= version.driver) newest = version.ptx;
    }
    return newest;
}

CUresult load(CUmodule *module, const char *image) {
    if (CUresult error = standing_in_context()) return error;
    if (!module || !image) return CUDA_ERROR_INVALID_VALUE;
    Ptx ptx;
    std::string reason;
    if (!parse_ptx(image, ptx, reason)) {
        complain("cuModuleLoadData: %s", reason.c_str());
        return CUDA_ERROR_INVALID_IMAGE;
    }
    if (ptx.version > newest_ptx_version()) {
        complain("cuModuleLoadData: PTX of version %d.%d, the driver knows up to %d.%d", ptx.version / 10, ptx.version % 10,
                 newest_ptx_version() / 10, newest_ptx_version() % 10);
        return CUDA_ERROR_UNSUPPORTED_PTX_VERSION;
    }
    if (ptx.target > settings().compute_capability) {
        complain("cuModuleLoadData: PTX for sm_%d, the device is sm_%d", ptx.target, settings().compute_capability);
        return CUDA_ERROR_NO_BINARY_FOR_GPU;
    }
    auto *loaded = new CUmod_st;
    for (PtxEntry &entry : ptx.entries) {
        auto found = kernels().find(entry.name);
        bool is_found = found != kernels().end();
        size_t rest = entry.static_shared_bytes < SHARED_BYTES ? SHARED_BYTES - entry.static_shared_bytes : 0;
        loaded->functions.emplace_back(new CUfunc_st{loaded, entry, is_found ? found->second.kernel : nullptr,
                                                     is_found ? found->second.library : nullptr, rest});
        add_handle(loaded->functions.back().get(), "function");
    }
    add_handle(loaded, "module");
    *module = loaded;
    return CUDA_SUCCESS;
}

} // namespace
} // namespace cuda_emulator

using namespace cuda_emulator;

CUDA_EMULATOR_API CUresult cuModuleLoadData(CUmodule *module, const void *image) {
    return load(module, static_cast<const char *>(image));
}
CUDA_EMULATOR_API CUresult cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned, CUjit_option *, void **) {
    return load(module, static_cast<const char *>(image));
}

CUDA_EMULATOR_API CUresult cuModuleLoad(CUmodule *module, const char *path) {
    if (!path) return CUDA_ERROR_INVALID_VALUE;
    std::ifstream file(path);
    if (!file) return CUDA_ERROR_FILE_NOT_FOUND;
    std::stringstream text;
    text << file.rdbuf();
    return load(module, text.str().c_str());
}

CUDA_EMULATOR_API CUresult cuModuleUnload(CUmodule module) {
    if (CUresult error = standing_in_context()) return error;
    if (!remove_handle(module, "module", "cuModuleUnload")) return CUDA_ERROR_INVALID_HANDLE;
    for (const auto &function : module->functions) remove_handle(function.get(), "function", "cuModuleUnload");
    delete module;
    return CUDA_SUCCESS;
}

CUDA_EMULATOR_API CUresult cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name) {
    if (CUresult error = standing_in_context()) return error;
    if (!function || !name) return CUDA_ERROR_INVALID_VALUE;
    if (!is_handle(module, "module", "cuModuleGetFunction")) return CUDA_ERROR_INVALID_HANDLE;
    for (const auto &candidate : module->functions) {
        if (candidate->entry.name != name) continue;
        *function = candidate.get();
        return CUDA_SUCCESS;
    }
    return CUDA_ERROR_NOT_FOUND;
}

CUDA_EMULATOR_API CUresult cuFuncGetAttribute(int *value, CUfunction_attribute attribute, CUfunction function) {
    if (CUresult error = standing_in_context()) return error;
    if (!value) return CUDA_ERROR_INVALID_VALUE;
    if (!is_handle(function, "function", "cuFuncGetAttribute")) return CUDA_ERROR_INVALID_HANDLE;
    switch (attribute) {
    case CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
        *value = static_cast<int>(function->entry.max_threads ? function->entry.max_threads : MAX_THREADS);
        return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES:
        *value = static_cast<int>(function->entry.static_shared_bytes);
        return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES:
        *value = static_cast<int>(function->max_dynamic_shared_bytes);
        return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES:
    case CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES: *value = 0; return CUDA_SUCCESS;
    // A guess: PTX does not say.
    case CU_FUNC_ATTRIBUTE_NUM_REGS: *value = 64; return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_PTX_VERSION:
    case CU_FUNC_ATTRIBUTE_BINARY_VERSION: *value = settings().compute_capability; return CUDA_SUCCESS;
    default: complain("cuFuncGetAttribute: the attribute %d is not emulated", attribute); return CUDA_ERROR_INVALID_VALUE;
    }
}

CUDA_EMULATOR_API CUresult cuFuncSetAttribute(CUfunction function, CUfunction_attribute attribute, int value) {
    if (CUresult error = standing_in_context()) return error;
    if (!is_handle(function, "function", "cuFuncSetAttribute")) return CUDA_ERROR_INVALID_HANDLE;
    if (attribute == CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT) return CUDA_SUCCESS;
    if (attribute != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES) {
        complain("cuFuncSetAttribute: the attribute %d is not emulated", attribute);
        return CUDA_ERROR_INVALID_VALUE;
    }
    if (value < 0 || static_cast<size_t>(value) + function->entry.static_shared_bytes > shared_bytes_on_request()) {
        complain("cuFuncSetAttribute: %d bytes of dynamic shared memory for %s, which has %zu static: a block has at most %zu",
                 value, function->entry.name.c_str(), function->entry.static_shared_bytes, shared_bytes_on_request());
        return CUDA_ERROR_INVALID_VALUE;
    }
    function->max_dynamic_shared_bytes = static_cast<size_t>(value);
    return CUDA_SUCCESS;
}

CUDA_EMULATOR_API CUresult cuFuncSetCacheConfig(CUfunction function, CUfunc_cache) {
    if (CUresult error = standing_in_context()) return error;
    return is_handle(function, "function", "cuFuncSetCacheConfig") ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

CUDA_EMULATOR_API CUresult cuFuncGetModule(CUmodule *module, CUfunction function) {
    if (CUresult error = standing_in_context()) return error;
    if (!module) return CUDA_ERROR_INVALID_VALUE;
    if (!is_handle(function, "function", "cuFuncGetModule")) return CUDA_ERROR_INVALID_HANDLE;
    *module = function->module;
    return CUDA_SUCCESS;
}

// By threads and shared memory alone: what registers allow is not known.
static CUresult active_blocks(int *blocks, CUfunction function, int threads, size_t dynamic_shared_bytes) {
    if (CUresult error = standing_in_context()) return error;
    if (!blocks || threads <= 0) return CUDA_ERROR_INVALID_VALUE;
    if (!is_handle(function, "function", "cuOccupancyMaxActiveBlocksPerMultiprocessor")) return CUDA_ERROR_INVALID_HANDLE;
    size_t shared = dynamic_shared_bytes + function->entry.static_shared_bytes;
    unsigned most = function->entry.max_threads ? function->entry.max_threads : MAX_THREADS;
    if (static_cast<unsigned>(threads) > most || shared > shared_bytes_on_request()) {
        *blocks = 0;
        return CUDA_SUCCESS;
    }
    size_t by_shared = shared_bytes_of_multiprocessor() / (shared + 1024),
           by_threads = 2048 / ((static_cast<size_t>(threads) + 31) / 32 * 32);
    *blocks = static_cast<int>(std::min<size_t>({by_shared, by_threads, 32}));
    return CUDA_SUCCESS;
}

CUDA_EMULATOR_API CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, CUfunction function, int threads,
                                                                       size_t dynamic_shared_bytes) {
    return active_blocks(blocks, function, threads, dynamic_shared_bytes);
}
CUDA_EMULATOR_API CUresult cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks, CUfunction function, int threads,
                                                                                size_t dynamic_shared_bytes, unsigned) {
    return active_blocks(blocks, function, threads, dynamic_shared_bytes);
}

CUDA_EMULATOR_API CUresult cuLaunchKernel(CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                                          unsigned block_x, unsigned block_y, unsigned block_z, unsigned dynamic_shared_bytes,
                                          CUstream stream, void **arguments, void **extra) {
    return launch(function, {grid_x, grid_y, grid_z}, {block_x, block_y, block_z}, dynamic_shared_bytes, stream, arguments,
                  extra);
}

CUDA_EMULATOR_API CUresult cuLaunchKernelEx(const CUlaunchConfig *config, CUfunction function, void **arguments, void **extra) {
    if (!config) return CUDA_ERROR_INVALID_VALUE;
    for (unsigned i = 0; i < config->numAttrs; i++) {
        CUlaunchAttributeID id = config->attrs[i].id;
        if (id == CU_LAUNCH_ATTRIBUTE_IGNORE || id == CU_LAUNCH_ATTRIBUTE_PRIORITY ||
            id == CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION)
            continue;
        complain("cuLaunchKernelEx: the attribute %d is not emulated", id);
        return CUDA_ERROR_NOT_SUPPORTED;
    }
    return launch(function, {config->gridDimX, config->gridDimY, config->gridDimZ},
                  {config->blockDimX, config->blockDimY, config->blockDimZ}, config->sharedMemBytes, config->hStream, arguments,
                  extra);
}
