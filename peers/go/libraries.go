// This file owns telling which version of a module this program was built
// with.
package main

import (
	"runtime/debug"
	"strings"
)

// versions are those of the modules with these names and paths.
func versions(modules map[string]string) map[string]string {
	found := map[string]string{}
	built, is := debug.ReadBuildInfo()
	if !is {
		return found
	}
	for name, path := range modules {
		found[name] = "unknown"
		for _, module := range built.Deps {
			if module.Path == path {
				found[name] = strings.TrimPrefix(module.Version, "v")
			}
		}
	}
	return found
}
