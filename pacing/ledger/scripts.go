package ledger

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

//go:embed lua/*.lua
var luaFiles embed.FS

// scripts are the Lua files, ready to be run.
type scripts struct{ count, sync, raise, save *redis.Script }

// loadScripts reads the embedded files. head is put before each of them.
func loadScripts(head string) scripts {
	read := func(name string) *redis.Script {
		text, err := luaFiles.ReadFile("lua/" + name + ".lua")
		if err != nil {
			panic(fmt.Sprintf("ledger: embedded script: %v", err)) // cannot happen: go:embed
		}
		return redis.NewScript(head + string(text))
	}
	return scripts{read("count"), read("sync"), read("raise"), read("save")}
}

// run runs one script, in one round trip once Redis knows it.
func (l *Ledger) run(ctx context.Context, script *redis.Script, keys []string, args ...any) ([]any, error) {
	short, cancel := context.WithTimeout(ctx, l.cfg.Timeout)
	defer cancel()
	answer, err := script.Run(short, l.cfg.Redis, keys, args...).Result()
	if err != nil {
		return nil, explain(err)
	}
	list, _ := answer.([]any)
	return list, nil
}

// explain names what refused; nil stays nil.
func explain(err error) error {
	if err == nil {
		return nil
	}
	var answer redis.Error
	if errors.As(err, &answer) {
		if detail, ok := strings.CutPrefix(answer.Error(), "FENCED "); ok {
			return fmt.Errorf("%w: %s", ErrFenced, detail)
		}
	}
	return fmt.Errorf("ledger: %w", err)
}
