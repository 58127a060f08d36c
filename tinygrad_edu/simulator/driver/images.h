// The sources of a module: the bytes that the simulator's nvcc wrote, and further variants compiled when
// needed.
#pragma once
#include <string>

#include "modules.h"

namespace sim {

// Fill module->sections and ->key from the argument of cuModuleLoadData. A real cubin, PTX or any other input
// is an error, whose text says how to compile for the simulator.
CUresult read_image(const void* image, Module* module);

// The folder of modules.
std::string modules_folder();

// The cache file of the variant that a module contains.
std::string place_of_object(const Module& module);
// Make sure that the file of a variant exists and is complete, for addr2line. It is needed for line numbers
// only.
void keep_object(const Module& module, Variant& variant);

// Compile the module's source for `mode`, or find it in the cache. On failure it calls fail() and returns
// false.
bool compile_variant(const Module& module, Mode mode, std::string* path, std::string* object);

}  // namespace sim
