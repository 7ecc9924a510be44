// Reads the declarations of PTX (PTX ISA, "Kernel and Function Directives: .entry"); instructions are skipped.
#include "ptx.h"

#include <cctype>
#include <cstdlib>
#include <cstring>
#include <map>

namespace cuda_emulator {
namespace {

// Words, and punctuation of one character each; comments are left out.
std::vector<std::string> words_of(const char *text) {
    std::vector<std::string> words;
    for (const char *at = text; *at;) {
        if (std::isspace(static_cast<unsigned char>(*at))) {
            at++;
        } else if (at[0] == '/' && at[1] == '/') {
            while (*at && *at != '\n') at++;
        } else if (at[0] == '/' && at[1] == '*') {
            const char *end = std::strstr(at + 2, "*/");
            at = end ? end + 2 : at + std::strlen(at);
        } else if (*at == '"') {
            const char *end = std::strchr(at + 1, '"');
            at = end ? end + 1 : at + std::strlen(at);
        } else if (std::isalnum(static_cast<unsigned char>(*at)) || std::strchr("._$%", *at)) {
            const char *begin = at;
            while (*at && (std::isalnum(static_cast<unsigned char>(*at)) || std::strchr("._$%", *at))) at++;
            words.emplace_back(begin, at);
        } else {
            words.emplace_back(1, *at++);
        }
    }
    return words;
}

// The bytes of .u64, .f32, .b8 and their like; 0 for another word.
size_t type_bytes(const std::string &word) {
    if (word.size() < 3 || word[0] != '.' || !std::strchr("busf", word[1])) return 0;
    char *end = nullptr;
    unsigned long bits = std::strtoul(word.c_str() + 2, &end, 10);
    return *end ? 0 : bits / 8;
}

class Parser {
  public:
    explicit Parser(const char *text) : words(words_of(text)) {}

    bool parse(Ptx &ptx, std::string &reason) {
        while (at < words.size()) {
            if (take(".version")) {
                ptx.version = static_cast<int>(std::strtod(word().c_str(), nullptr) * 10.0 + 0.5);
            } else if (take(".target")) {
                // sm_90, sm_90a, sm_100f.
                if (word().rfind("sm_", 0) == 0) ptx.target = std::atoi(word().c_str() + 3);
            } else if (take(".entry")) {
                PtxEntry entry;
                if (!parse_entry(entry)) {
                    reason = "the entry " + entry.name + " could not be read";
                    return false;
                }
                ptx.entries.push_back(entry);
            } else if (word() == ".shared" && (at == 0 || words[at - 1] != ".extern")) {
                std::string name;
                size_t bytes = parse_variable(name);
                module_shared[name] = bytes;
            } else if (word() == "{") {
                skip_body(nullptr);
            } else {
                at++;
            }
        }
        return true;
    }

  private:
    const std::string &word() const {
        static const std::string none;
        return at < words.size() ? words[at] : none;
    }
    bool take(const char *expected) {
        if (word() != expected) return false;
        at++;
        return true;
    }
    unsigned long take_number() {
        unsigned long number = std::strtoul(word().c_str(), nullptr, 0);
        at++;
        return number;
    }

    bool parse_entry(PtxEntry &entry) {
        entry.name = word();
        at++;
        if (take("(")) {
            while (!take(")")) {
                if (at >= words.size()) return false;
                if (word() == ".param") {
                    std::string name;
                    size_t bytes = parse_variable(name);
                    if (!bytes) return false;
                    entry.parameter_bytes.push_back(bytes);
                } else {
                    at++;
                }
            }
        }
        while (word() != "{" && word() != ";") {
            if (at >= words.size()) return false;
            if (take(".maxntid") || take(".reqntid")) {
                entry.max_threads = static_cast<unsigned>(take_number());
                while (take(",")) entry.max_threads *= static_cast<unsigned>(take_number());
            } else {
                at++;
            }
        }
        if (word() == "{") skip_body(&entry);
        return true;
    }

    // At the state space: .param .align 8 .b8 name[24], .param .u64 .ptr .global .align 1 name. Gives the bytes.
    size_t parse_variable(std::string &name) {
        at++;
        size_t bytes = 0;
        while (at < words.size() && word()[0] == '.') {
            if (take(".align")) {
                at++;
                continue;
            }
            if (!bytes) bytes = type_bytes(word());
            at++;
        }
        name = word();
        at++;
        while (take("[")) {
            bytes *= word() == "]" ? 0 : take_number();
            if (!take("]")) return 0;
        }
        return bytes;
    }

    // Over a body, counting the shared memory that it declares or uses.
    void skip_body(PtxEntry *entry) {
        int depth = 0;
        std::map<std::string, bool> used;
        do {
            if (word() == "{") depth++;
            if (word() == "}") depth--;
            if (entry && word() == ".shared") {
                std::string name;
                entry->static_shared_bytes += parse_variable(name);
                continue;
            }
            auto shared = module_shared.find(word());
            if (entry && shared != module_shared.end() && !used[word()]) {
                used[word()] = true;
                entry->static_shared_bytes += shared->second;
            }
            at++;
        } while (depth && at < words.size());
    }

    std::vector<std::string> words;
    size_t at = 0;
    std::map<std::string, size_t> module_shared;
};

} // namespace

bool parse_ptx(const char *text, Ptx &ptx, std::string &reason) {
    const char *version = std::strstr(text, ".version");
    if (!version) {
        reason = "this is not PTX";
        return false;
    }
    return Parser(text).parse(ptx, reason);
}

} // namespace cuda_emulator
