// assert for kernels: ends the launch with CUDA_ERROR_ASSERT and says what was asserted, where.
//
// No guard: as the standard wants it, each inclusion looks at NDEBUG again.
#undef assert
#if defined(NDEBUG)
#define assert(...) (static_cast<void>(0))
#else
#define assert(...)                 \
    (static_cast<bool>(__VA_ARGS__) \
         ? static_cast<void>(0)     \
         : sim_assert_failed(#__VA_ARGS__, __FILE__, __LINE__, __PRETTY_FUNCTION__))
#endif
