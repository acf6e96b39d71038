package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"
)

func completionCommand() *command {
	return &command{
		name: "completion", args: "bash|zsh|fish", least: 1, most: 1, short: "Write the completions for a shell",
		long: `Writes a script that makes the shell complete commands and flags.

  source <(ringpace completion bash)
  ringpace completion zsh > "${fpath[1]}/_ringpace"
  ringpace completion fish > ~/.config/fish/completions/ringpace.fish
`,
		setup: func(*pflag.FlagSet) runner {
			return func(_ context.Context, t *terminal, args []string) error {
				writers := map[string]func(io.Writer, []place) error{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}
				write := writers[args[0]]
				if write == nil {
					return usage("no completions for %q; bash, zsh or fish", args[0])
				}
				return write(t.out, places(nil, &command{sub: commands()}))
			}
		},
	}
}

// place is a point in the command line: what may follow the words of path.
type place struct {
	path  string
	words []word
}

type word struct{ text, about string }

// places lists c and everything below it.
func places(path []string, c *command) []place {
	p := place{path: strings.Join(path, " ")}
	for _, s := range c.sub {
		p.words = append(p.words, word{s.name, s.short})
	}
	if c.setup != nil {
		flags := flagSet("")
		c.setup(flags)
		flags.VisitAll(func(f *pflag.Flag) {
			_, about := pflag.UnquoteUsage(f)
			p.words = append(p.words, word{"--" + f.Name, about})
		})
	}
	if c.name == "completion" {
		p.words = append(p.words, word{"bash", ""}, word{"zsh", ""}, word{"fish", ""})
	}
	list := []place{p}
	for _, s := range c.sub {
		list = append(list, places(append(path[:len(path):len(path)], s.name), s)...)
	}
	return list
}

// steps are the "PATH WORD" that lead one deeper, as shell patterns.
func steps(all []place, quote string) string {
	var list []string
	for _, p := range all[1:] {
		up, last := "", p.path
		if i := strings.LastIndexByte(p.path, ' '); i >= 0 {
			up, last = p.path[:i], p.path[i+1:]
		}
		list = append(list, quote+up+" "+last+quote)
	}
	return strings.Join(list, "|")
}

func texts(words []word) string {
	list := make([]string, len(words))
	for i, w := range words {
		list[i] = w.text
	}
	return strings.Join(list, " ")
}

// Where no word fits, bash falls back to the names of files.
func bashCompletion(w io.Writer, all []place) error {
	var b strings.Builder
	fmt.Fprintf(&b, `# bash completion for ringpace
_ringpace() {
	local cur="${COMP_WORDS[COMP_CWORD]}" at="" words="" i
	for ((i = 1; i < COMP_CWORD; i++)); do
		case "$at ${COMP_WORDS[i]}" in
		%s) at="${at:+$at }${COMP_WORDS[i]}" ;;
		esac
	done
	case "$at" in
`, steps(all, `"`))
	for _, p := range all {
		fmt.Fprintf(&b, "\t%q) words=%q ;;\n", p.path, texts(p.words))
	}
	b.WriteString(`	esac
	COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _ringpace ringpace
`)
	_, err := io.WriteString(w, b.String())
	return err
}

func zshCompletion(w io.Writer, all []place) error {
	var b strings.Builder
	fmt.Fprintf(&b, `#compdef ringpace
_ringpace() {
	local at="" i
	for ((i = 2; i < CURRENT; i++)); do
		case "$at ${words[i]}" in
		(%s) at="${at:+$at }${words[i]}" ;;
		esac
	done
	local -a found
	case "$at" in
`, steps(all, `"`))
	for _, p := range all {
		fmt.Fprintf(&b, "\t(%q) found=(", p.path)
		for _, x := range p.words {
			fmt.Fprintf(&b, " %s", shellQuote(strings.ReplaceAll(x.text, ":", `\:`)+":"+x.about))
		}
		b.WriteString(" ) ;;\n")
	}
	b.WriteString(`	esac
	_describe ringpace found || _files
}
if [ "$funcstack[1]" = "_ringpace" ]; then
	_ringpace "$@"
else
	compdef _ringpace ringpace
fi
`)
	_, err := io.WriteString(w, b.String())
	return err
}

func fishCompletion(w io.Writer, all []place) error {
	var b strings.Builder
	fmt.Fprintf(&b, `# fish completion for ringpace
function __ringpace_at
	set -l at
	for word in (commandline -opc)[2..]
		switch "$at $word"
			case %s
				set at (string trim -- "$at $word")
		end
	end
	test "$at" = "$argv[1]"
end
`, strings.ReplaceAll(steps(all, `"`), "|", " "))
	for _, p := range all {
		at := shellQuote("__ringpace_at " + shellQuote(p.path))
		for _, x := range p.words {
			if flag, ok := strings.CutPrefix(x.text, "--"); ok {
				fmt.Fprintf(&b, "complete -c ringpace -n %s -l %s -d %s\n", at, flag, shellQuote(x.about))
			} else {
				fmt.Fprintf(&b, "complete -c ringpace -n %s -f -a %s -d %s\n", at, x.text, shellQuote(x.about))
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// shellQuote quotes for sh, zsh and fish, with double quotes for what holds single ones.
func shellQuote(s string) string {
	if !strings.Contains(s, "'") {
		return "'" + s + "'"
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "`", "\\`").Replace(s) + `"`
}
