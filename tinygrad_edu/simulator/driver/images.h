// What a module is made from: the bytes the compiler stand-in wrote, and further variants compiled on demand.
#pragma once
#include <string>

#include "modules.h"

namespace sim {

// Fill module->sections and ->key from what cuModuleLoadData was given. A real cubin, PTX or anything else
// that is not ours is refused with a text that says how to compile for the simulator.
CUresult read_image(const void* image, Module* module);

// Where modules are kept.
std::string modules_folder();

// The file in the cache that holds `object`, for addr2line.
std::string keep_object(const Module& module, const std::string& object);

// Compile the module's source for `mode`, or find it in the cache. False with fail() called when that fails.
bool compile_variant(const Module& module, Mode mode, std::string* path, std::string* object);

}  // namespace sim
