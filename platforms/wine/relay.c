/* relay PROGRAM ARGUMENTS ...: runs a program with pipes of Windows' own for its standard streams. What Wine is given by a
 * Unix process is no pipe in Windows' sense, which some runtimes insist on (libuv). Ends with the program's status, and
 * takes it with it when it is killed. */
#include <process.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

enum { PIECE = 64 * 1024, LONGEST_COMMAND = 32 * 1024 };

struct way {
    HANDLE from, to;
};

static unsigned __stdcall carry(void *argument) {
    struct way *way = argument;
    char *piece = malloc(PIECE);
    DWORD got, put;
    while (piece && ReadFile(way->from, piece, PIECE, &got, NULL) && got)
        for (DWORD done = 0; done < got; done += put)
            if (!WriteFile(way->to, piece + done, got - done, &put, NULL)) {
                CloseHandle(way->from);
                return 1;
            }
    CloseHandle(way->to);
    return 0;
}

/* The other side takes this apart again (CommandLineToArgvW). */
static bool add(char *command, const char *argument) {
    size_t at = strlen(command), backslashes = 0;
    if (at + 2 * strlen(argument) + 4 > LONGEST_COMMAND)
        return false;
    if (at)
        command[at++] = ' ';
    command[at++] = '"';
    for (; *argument; argument++) {
        if (*argument == '"')
            for (backslashes++; backslashes; backslashes--)
                command[at++] = '\\';
        backslashes = *argument == '\\' ? backslashes + 1 : 0;
        command[at++] = *argument;
    }
    for (; backslashes; backslashes--)
        command[at++] = '\\';
    command[at++] = '"';
    command[at] = 0;
    return true;
}

/* A pipe of which the program gets the end at `theirs`: 0 to read from, 1 to write to. */
static HANDLE make(int theirs, HANDLE *inherited) {
    SECURITY_ATTRIBUTES handed_on = {.nLength = sizeof handed_on, .bInheritHandle = TRUE};
    HANDLE ends[2];
    if (!CreatePipe(&ends[0], &ends[1], &handed_on, PIECE))
        exit(125);
    *inherited = ends[theirs];
    SetHandleInformation(ends[1 - theirs], HANDLE_FLAG_INHERIT, 0);
    return ends[1 - theirs];
}

int main(int count, char **arguments) {
    static char command[LONGEST_COMMAND];
    STARTUPINFOA start = {.cb = sizeof start, .dwFlags = STARTF_USESTDHANDLES};
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE};
    PROCESS_INFORMATION child;
    struct way ways[3];
    HANDLE threads[3], job = CreateJobObjectA(NULL, NULL);
    DWORD status = 125;
    for (int i = 1; i < count; i++)
        if (!add(command, arguments[i]))
            return 125;
    ways[0] = (struct way){GetStdHandle(STD_INPUT_HANDLE), make(0, &start.hStdInput)};
    ways[1] = (struct way){make(1, &start.hStdOutput), GetStdHandle(STD_OUTPUT_HANDLE)};
    ways[2] = (struct way){make(1, &start.hStdError), GetStdHandle(STD_ERROR_HANDLE)};
    SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof limits);
    if (!CreateProcessA(NULL, command, NULL, NULL, TRUE, CREATE_SUSPENDED, NULL, NULL, &start, &child)) {
        fprintf(stderr, "%s: it does not start (Windows' error %lu)\n", arguments[1], GetLastError());
        return 126;
    }
    AssignProcessToJobObject(job, child.hProcess);
    ResumeThread(child.hThread);
    CloseHandle(start.hStdInput);
    CloseHandle(start.hStdOutput);
    CloseHandle(start.hStdError);
    for (int i = 0; i < 3; i++)
        threads[i] = (HANDLE)_beginthreadex(NULL, 0, carry, &ways[i], 0, NULL);
    WaitForMultipleObjects(2, threads + 1, TRUE, INFINITE); /* all that it said is passed on */
    WaitForSingleObject(child.hProcess, INFINITE);
    GetExitCodeProcess(child.hProcess, &status);
    ExitProcess(status);
}
