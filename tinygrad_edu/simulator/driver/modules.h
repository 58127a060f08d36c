// Modules: the input of cuModuleLoadData, the shared objects made from it, and their kernels.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "../device/runtime.h"
#include "abi.h"

namespace sim {

enum class Mode { plain, check, profile };
constexpr int MODES = 3;

struct SharedVariable {
    std::string function, name;
    size_t offset, bytes;
    sim_place place;
};

// One shared object: a module compiled for one mode.
struct Variant {
    void* handle = nullptr;  // of dlopen
    uintptr_t base = 0;      // load address: addr2line needs pc - base
    uintptr_t text_begin = 0, text_end = 0;
    std::string path;   // the file addr2line reads (in the cache, with debug lines): see keep_object
    bool kept = false;  // whether the file exists and is complete
    std::vector<const sim_kernel*> kernels;
    std::vector<SharedVariable> shared;
    size_t shared_bytes = 0;  // size of the whole layout, with gaps between variables
};

struct Module;

struct Kernel {
    Module* module;
    std::string symbol, name;
    size_t dynamic_limit = 48 * 1024;  // CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES raises it
    unsigned set_block[3] = {0, 0, 0};
    size_t set_shared = 0;
    std::vector<char> set_arguments;  // of cuParamSet*
    const sim_kernel* in[MODES] = {};
    size_t static_shared(Mode mode) const;                                 // bytes the kernel itself needs
    std::vector<const SharedVariable*> shared_variables(Mode mode) const;  // the variables that it can use
};

struct Global {
    uintptr_t address;
    size_t bytes;
    std::string kind;
};

struct Module {
    // elf, variant (whose code elf is), plain (which variant serves without the checker),
    // unit, flags, text:<path>
    std::map<std::string, std::string> sections;
    Mode first = Mode::plain;  // the mode of elf, which is loaded at once; others when needed
    std::string key;           // hash of the content, which names files in the cache
    std::unique_ptr<Variant> variants[MODES];
    std::map<std::string, std::unique_ptr<Kernel>> kernels;
    std::map<std::string, Global> globals;
    size_t constant_bytes = 0;
    bool out_of_memory = false;  // there was no memory for one of its global variables
    void* context = nullptr;

    const char* name_of(Mode mode) const;  // the name of the compiler's variant for a mode
    // Compiled and loaded at the first use; on failure it calls fail() and returns null.
    Variant* variant(Mode mode);
};

CUresult load_module(const void* image, Module** module);
void unload_module(Module* module);
Kernel* get_kernel(Module* module, const std::string& name);

// The loaded variant whose code contains `pc`; null if there is none.
struct Code {
    Module* module;
    Variant* variant;
};
Code code_at(uintptr_t pc);

// The text of line `line` of the user's file `file`, without indentation; "" if unknown.
std::string source_line(const Module& module, const std::string& file, int line);

}  // namespace sim
