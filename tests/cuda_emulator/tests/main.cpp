// Runs the cases, or with a case's name after the folder, that one in this process.
#include "cases.h"

#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <map>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

std::string folder;

static std::vector<const Case *> &cases() {
    static std::vector<const Case *> all;
    return all;
}

Case::Case(const char *name, void (*function)(), std::vector<const char *> environment, std::vector<const char *> says)
    : name(name), function(function), environment(environment), says(says) {
    cases().push_back(this);
}

std::string read_file(const std::string &path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

void begin() {
    EXPECT(cuInit(0) == CUDA_SUCCESS);
    CUcontext context;
    EXPECT(cuDevicePrimaryCtxRetain(&context, 0) == CUDA_SUCCESS);
    EXPECT(cuCtxSetCurrent(context) == CUDA_SUCCESS);
}

CUfunction kernel(const char *name) {
    static CUmodule module = [] {
        CUmodule loaded;
        EXPECT(cuModuleLoadData(&loaded, read_file(folder + "/kernels.ptx").c_str()) == CUDA_SUCCESS);
        return loaded;
    }();
    CUfunction function;
    EXPECT(cuModuleGetFunction(&function, module, name) == CUDA_SUCCESS);
    return function;
}

static bool run(const Case &what, const char *program) {
    std::string path = folder + "/stderr";
    pid_t child = fork();
    if (child == 0) {
        int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
        dup2(file, 2);
        setenv("NEARSAY_EMULATOR_KERNELS", (folder + "/kernels").c_str(), 1);
        for (const char *variable : what.environment) putenv(const_cast<char *>(variable));
        // A hang fails.
        alarm(60);
        execl(program, program, folder.c_str(), what.name, nullptr);
        _exit(127);
    }
    int status = 0;
    waitpid(child, &status, 0);
    std::string said = read_file(path);
    bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!good) std::printf("    ended with status %#x\n", static_cast<unsigned>(status));
    for (const char *text : what.says) {
        if (said.find(text) != std::string::npos) continue;
        std::printf("    did not say \"%s\"\n", text);
        good = false;
    }
    if (what.says.empty() && !said.empty()) good = false;
    if (!good && !said.empty()) std::printf("    said: %s", said.c_str());
    std::printf("%s %s\n", good ? "ok    " : "FAILED", what.name);
    return good;
}

int main(int count, char **arguments) {
    if (count < 2) return 2;
    folder = arguments[1];
    setvbuf(stdout, nullptr, _IOLBF, 0);
    if (count == 3) {
        for (const Case *each : cases()) {
            if (std::strcmp(each->name, arguments[2])) continue;
            each->function();
            return 0;
        }
        return 2;
    }
    int failed = 0;
    for (const Case *each : cases()) failed += !run(*each, arguments[0]);
    std::printf("%zu cases, %d failed\n", cases().size(), failed);
    return failed ? 1 : 0;
}
