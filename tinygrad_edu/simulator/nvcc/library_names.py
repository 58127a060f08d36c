"""The names of the C and C++ libraries that a kernel may use, found by compiling each with nvcc 13.0.

All other names of these libraries are host code.
"""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """The set of words of a text."""
    return frozenset(text.split())


# Functions of <math.h>, <stdlib.h>, <string.h>, <stdio.h> and <time.h> that exist on the device.
DEVICE_C = words(
    """
    abs acos acosf acosh acoshf alloca asin asinf asinh asinhf atan atan2 atan2f atanf atanh atanhf cbrt
    cbrtf ceil ceilf clock copysign copysignf cos cosf cosh coshf erf erfc erfcf erff exp exp10 exp10f
    exp2 exp2f expf expm1 expm1f fabs fabsf fdim fdimf floor floorf fma fmaf fmax fmaxf fmin fminf fmod
    fmodf free frexp frexpf hypot hypotf ilogb ilogbf j0 j0f j1 j1f jn jnf labs ldexp ldexpf lgamma
    lgammaf llabs llrint llrintf llround llroundf log log10 log10f log1p log1pf log2 log2f logb logbf
    logf lrint lrintf lround lroundf malloc memcpy memset modf modff nan nanf nearbyint nearbyintf
    nextafter nextafterf pow powf printf remainder remainderf remquo remquof rint rintf round roundf
    scalbln scalblnf scalbn scalbnf sin sincos sincosf sinf sinh sinhf sqrt sqrtf tan tanf tanh tanhf
    tgamma tgammaf trunc truncf y0 y0f y1 y1f yn ynf
    """
)

# Functions of the same headers that are host code. A source with one of them is examined; host functions that
# are in neither list are found too.
HOST_C = words(
    """
    a64l abort acoshl acosl aligned_alloc arc4random arc4random_buf arc4random_uniform asctime asctime_r
    asinhl asinl asprintf atan2l atanhl atanl atexit atof atoi atol atoll bcmp bcopy bsearch bzero
    calloc canonicalize canonicalize_file_name canonicalizef canonicalizel cbrtl ceill clearenv clearerr
    clearerr_unlocked clock_adjtime clock_getcpuclockid clock_getres clock_gettime clock_nanosleep
    clock_settime copysignl coshl cosl ctermid ctime ctime_r cuserid daddl ddivl dfmal difftime div
    dmull dprintf drand48 drand48_r drem dremf dreml dsqrtl dsubl dysize ecvt ecvt_r erand48 erand48_r
    erfcl erfl exit exp10l exp2l expl explicit_bzero expm1l fabsl fadd faddl fclose fcloseall fcvt
    fcvt_r fdiml fdiv fdivl fdopen feof feof_unlocked ferror ferror_unlocked fflush fflush_unlocked ffma
    ffmal ffs ffsl ffsll fgetc fgetc_unlocked fgetpos fgetpos64 fgets fgets_unlocked fileno
    fileno_unlocked finite finitef finitel flockfile floorl fmal fmaximum fmaximum_mag fmaximum_mag_num
    fmaximum_mag_numf fmaximum_mag_numl fmaximum_magf fmaximum_magl fmaximum_num fmaximum_numf
    fmaximum_numl fmaximumf fmaximuml fmaxl fmaxmag fmaxmagf fmaxmagl fmemopen fminimum fminimum_mag
    fminimum_mag_num fminimum_mag_numf fminimum_mag_numl fminimum_magf fminimum_magl fminimum_num
    fminimum_numf fminimum_numl fminimumf fminimuml fminl fminmag fminmagf fminmagl fmodl fmul fmull
    fopen fopen64 fopencookie fprintf fputc fputc_unlocked fputs fputs_unlocked fread fread_unlocked
    freopen freopen64 frexpl fromfp fromfpf fromfpl fromfpx fromfpxf fromfpxl fscanf fseek fseeko
    fseeko64 fsetpos fsetpos64 fsqrt fsqrtl fsub fsubl ftell ftello ftello64 ftrylockfile funlockfile
    fwrite fwrite_unlocked gamma gammaf gammal gcvt getc getc_unlocked getchar getchar_unlocked getdate
    getdate_r getdelim getenv getline getloadavg getpayload getpayloadf getpayloadl getpt getsubopt getw
    gmtime gmtime_r grantpt hypotl ilogbl index initstate initstate_r isinff isinfl isnanf isnanl j0l
    j1l jnl jrand48 jrand48_r l64a lcong48 lcong48_r ldexpl ldiv lgamma_r lgammaf128_r lgammaf32_r
    lgammaf32x_r lgammaf64_r lgammaf64x_r lgammaf_r lgammal lgammal_r lldiv llogb llogbf llogbl llrintl
    llroundl localtime localtime_r log10l log1pl log2l logbl logl lrand48 lrand48_r lrintl lroundl mblen
    mbstowcs mbtowc memccpy memchr memcmp memfrob memmem memmove mempcpy mkdtemp mkostemp mkostemp64
    mkostemps mkostemps64 mkstemp mkstemp64 mkstemps mkstemps64 mktemp mktime modfl mrand48 mrand48_r
    nanl nanosleep nearbyintl nextafterl nextdown nextdownf nextdownl nexttoward nexttowardf nexttowardl
    nextup nextupf nextupl nrand48 nrand48_r obstack_printf obstack_vprintf on_exit open_memstream
    pclose perror popen posix_memalign posix_openpt powl pselect ptsname ptsname_r putc putc_unlocked
    putchar putchar_unlocked putenv puts putw qecvt qecvt_r qfcvt qfcvt_r qgcvt qsort qsort_r quick_exit
    rand rand_r random random_r realloc reallocarray realpath remainderl remove remquol rename renameat
    renameat2 rewind rindex rintl roundeven roundevenf roundevenl roundl rpmatch scalb scalbf scalbl
    scalblnl scalbnl scanf secure_getenv seed48 seed48_r select setbuf setbuffer setenv setlinebuf
    setpayload setpayloadf setpayloadl setpayloadsig setpayloadsigf setpayloadsigl setstate setstate_r
    setvbuf sigabbrev_np sigdescr_np significand significandf significandl sincosl sinhl sinl snprintf
    sprintf sqrtl srand srand48 srand48_r srandom srandom_r sscanf stpcpy stpncpy strcasecmp
    strcasecmp_l strcat strchr strcmp strcoll strcoll_l strcpy strcspn strdup strerror strerror_l
    strerror_r strerrordesc_np strerrorname_np strfromd strfromf strfroml strfry strftime strftime_l
    strlen strncasecmp strncasecmp_l strncat strncmp strncpy strndup strnlen strpbrk strptime strptime_l
    strrchr strsep strsignal strspn strstr strtod strtod_l strtof strtof128_l strtof32_l strtof32x_l
    strtof64_l strtof64x_l strtof_l strtok strtok_r strtol strtol_l strtold strtold_l strtoll strtoll_l
    strtoq strtoul strtoul_l strtoull strtoull_l strtouq strverscmp strxfrm strxfrm_l system tanhl tanl
    tempnam tgammal time timegm timelocal timer_create timer_delete timer_getoverrun timer_gettime
    timer_settime timespec_get timespec_getres tmpfile tmpfile64 tmpnam tmpnam_r totalorder totalorderf
    totalorderl totalordermag totalordermagf totalordermagl truncl tzset ufromfp ufromfpf ufromfpl
    ufromfpx ufromfpxf ufromfpxl ungetc unlockpt unsetenv valloc vasprintf vdprintf vfprintf vfscanf
    vprintf vscanf vsnprintf vsprintf vsscanf wcstombs wctomb y0l y1l ynl
    stdin stdout stderr environ __errno_location __builtin_trap
    """
)

# Names of namespace std, in addition to the functions above.
DEVICE_STD = words("move forward isnan isinf isfinite signbit")

# Names that are never constexpr, though they may be inline.
HOST_STD = words("atomic __atomic_base unique_ptr mersenne_twister_engine")
