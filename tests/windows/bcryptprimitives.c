/* bcryptprimitives.dll for Wine, where versions before 9 have none: the one function that Rust's standard library
 * takes from it. Windows has its own, and this one is not for it. Put beside a program, it is found first. */

#include <windows.h>
#include <ntsecapi.h>

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE buffer, SIZE_T length) {
    return RtlGenRandom(buffer, (ULONG)length);
}
