// This file owns finding out the version of Windows.
package main

import (
	"fmt"
	"syscall"
	"unsafe"
)

// versionInfo is the beginning of OSVERSIONINFOW, and room for the rest.
type versionInfo struct {
	size, major, minor, build, platform uint32
	servicePack                         [128]uint16
}

// release asks the kernel's library: GetVersionEx says Windows 8 to programs
// without a manifest.
func release() string {
	info := versionInfo{}
	info.size = uint32(unsafe.Sizeof(info))
	get := syscall.NewLazyDLL("ntdll.dll").NewProc("RtlGetVersion")
	if get.Find() != nil {
		return ""
	}
	_, _, _ = get.Call(uintptr(unsafe.Pointer(&info)))
	return fmt.Sprintf("%d.%d.%d", info.major, info.minor, info.build)
}
