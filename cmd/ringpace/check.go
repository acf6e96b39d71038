package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"ringpace/configs/document"
	"ringpace/dialer/config"
)

// finding is a fault or a warning for machines.
type finding struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Key    string `json:"key,omitempty"`
	Text   string `json:"text"`
}

func findings(problems document.Problems) []finding {
	list := make([]finding, 0, len(problems))
	for _, p := range problems {
		list = append(list, finding{p.File, p.Line, p.Column, p.Key, p.Text})
	}
	return list
}

func checkCommand() *command {
	return &command{
		name: "check", args: "FILE", least: 1, most: 1,
		short: "Find every fault of a configuration",
		long: `Reads a configuration as the daemon would and tells all that is wrong with it at
once: file, line, column, key, and what would be right. Warnings do not stop the
daemon; faults do. Nothing is opened, called or changed.

  ringpace check /etc/ringpace/ringpace.yaml && ringpace reload
`,
		setup: func(flags *pflag.FlagSet) runner {
			asJSON := flags.Bool("json", false, "answer as JSON")
			return func(_ context.Context, t *terminal, args []string) error {
				c, warnings, err := config.Load(args[0])
				var faults document.Problems
				if err != nil && !errors.As(err, &faults) {
					return err // the file could not be read at all
				}
				if *asJSON {
					if err := t.json(map[string]any{
						"ok": err == nil, "errors": findings(faults), "warnings": findings(warnings),
					}); err != nil {
						return err
					}
				} else {
					for _, p := range faults {
						fmt.Fprintf(t.out, "error: %s\n", p)
					}
					for _, p := range warnings {
						fmt.Fprintf(t.out, "warning: %s\n", p)
					}
				}
				if err != nil {
					if *asJSON {
						return errTold
					}
					return fmt.Errorf("%s has %s", args[0], count(len(faults), "error"))
				}
				if *asJSON {
					return nil
				}
				_, err = fmt.Fprintf(t.out, "%s is right: %s, %s, %s, %s\n", args[0], count(len(c.Trunks), "trunk"),
					count(len(c.Agents), "agent"), count(len(c.Campaigns), "campaign"), count(len(warnings), "warning"))
				return err
			}
		},
	}
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
