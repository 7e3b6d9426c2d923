/* Windows' library of that name, which Wine has from its version 9 on: Go's runtime takes its random numbers from there.
 * With the one function that is asked for, made of the one that older Wine has for the same. */
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(void *to, ULONG size); /* RtlGenRandom */

__declspec(dllexport) BOOL WINAPI ProcessPrng(BYTE *to, SIZE_T size) {
    while (size) {
        ULONG piece = size > 0x10000 ? 0x10000 : (ULONG)size;
        if (!SystemFunction036(to, piece))
            return FALSE;
        to += piece;
        size -= piece;
    }
    return TRUE;
}
