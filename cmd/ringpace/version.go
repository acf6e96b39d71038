package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/pflag"
)

// buildVersion is the version that was linked in, else the module's, else the
// commit's.
func buildVersion(linked string) string {
	if linked != "" {
		return linked
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	revision, changed := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value[:min(len(s.Value), 12)]
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+changes"
		}
	}
	if revision == "" {
		return "devel"
	}
	return "devel-" + revision + changed
}

func versionCommand() *command {
	return &command{
		name: "version", short: "Say which version this is",
		long: "Says which version this is, and for which machine it was built.\n",
		setup: func(flags *pflag.FlagSet) runner {
			asJSON := flags.Bool("json", false, "answer as JSON")
			return func(_ context.Context, t *terminal, _ []string) error {
				if *asJSON {
					return t.json(map[string]string{
						"version": t.version, "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH,
					})
				}
				_, err := fmt.Fprintf(t.out, "ringpace %s (%s, %s/%s)\n", t.version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
				return err
			}
		},
	}
}
