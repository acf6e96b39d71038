package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
	"github.com/spf13/pflag"

	"ringpace/media/record"
	"ringpace/media/record/chain"
	"ringpace/media/record/vault"
)

func recordingsDecryptCommand() *command {
	return &command{
		name: "decrypt", args: "RECORDING...", least: 1, most: 10_000, short: "Turn encrypted recordings into WAV files",
		long: `Decrypts recordings that were made with recording.encrypt_to, for who has the secret key
of one of the recipients. A RECORDING is a file, or an id of the call detail records, which
needs --config or --dir. The WAV files go to --out, readable by nobody else; none that is
there is written over.

A recording of a call that was over is an age file: "age -d -i KEY -o call.wav call.wav.age"
does the same. One that a crash cut off has a form of its own, which only this reads; it
plays up to the last second before the crash.

  ringpace recordings decrypt --identity key.txt --out /tmp/review 20260309-01J8ZQ5RM4.wav.age
  ringpace recordings decrypt --identity ~/.ssh/id_ed25519 --config ringpace.yaml 01J8ZQ5RM4
`,
		setup: func(flags *pflag.FlagSet) runner {
			where := archive(flags)
			identity := flags.String("identity", "", "the secret key, `FILE`: of age (AGE-SECRET-KEY-1…) or SSH (required)")
			out := flags.String("out", ".", "where the WAV files go, `DIR`")
			asJSON := flags.Bool("json", false, "answer as JSON")
			return func(ctx context.Context, t *terminal, args []string) error {
				if *identity == "" {
					return usage("decrypt needs --identity FILE: the secret key")
				}
				keys, err := vault.ReadIdentities(*identity)
				if err != nil {
					return err
				}
				files, err := recordingFiles(args, where)
				if err != nil {
					return err
				}
				ctx, stop := interruptible(ctx)
				defer stop()
				return decryptAll(ctx, t, files, *out, keys, *asJSON)
			}
		},
	}
}

// recordingFiles are the files that arguments name: themselves, or by ids.
func recordingFiles(args []string, where func() (dir, records string, err error)) ([]string, error) {
	var files []string
	var index *chain.Index
	var dir string
	for _, arg := range args {
		if _, err := os.Stat(arg); err == nil {
			files = append(files, arg)
			continue
		}
		if index == nil {
			var err error
			if dir, _, err = where(); err != nil {
				return nil, fmt.Errorf("there is no file %s; for an id, %w", arg, err)
			}
			if index, err = chain.Load(dir); err != nil {
				return nil, err
			}
		}
		it, ok := index.ID(arg)
		if ok && it.Gone == chain.Cleared {
			return nil, fmt.Errorf("%w: fetch %s and give the file", chain.ErrCleared, it.Uploaded.Object)
		}
		if !ok || it.Gone != "" {
			return nil, fmt.Errorf("%w: %s", chain.ErrNotFound, arg)
		}
		files = append(files, filepath.Join(dir, filepath.FromSlash(it.Path)))
	}
	return files, nil
}

// decryptedRow is a decrypted recording for machines.
type decryptedRow struct {
	ID       string `json:"id"`
	File     string `json:"file"`
	Complete bool   `json:"complete"`       // false where a crash cut it off
	Torn     int64  `json:"torn,omitempty"` // octets at its end that the crash tore
}

// decryptAll decrypts files, and stops at the first that it cannot.
func decryptAll(ctx context.Context, t *terminal, files []string, out string, keys []age.Identity, asJSON bool) error {
	done := []decryptedRow{}
	var failed error
	for _, name := range files {
		if failed = ctx.Err(); failed != nil {
			break
		}
		wav := filepath.Join(out, strings.TrimSuffix(filepath.Base(name), ".age"))
		d, err := record.Decrypt(name, wav, keys...)
		if failed = plainly(err, name, wav); failed != nil {
			break
		}
		done = append(done, decryptedRow{d.ID, wav, d.Complete, d.Torn})
		if asJSON {
			continue
		}
		note := ""
		if !d.Complete {
			note = " (cut off by a crash)"
		}
		fmt.Fprintf(t.out, "%s%s\n", clean(wav), note)
	}
	if asJSON {
		failed = errors.Join(failed, t.json(done))
	}
	return failed
}

// plainly says why a recording could not be decrypted.
func plainly(err error, name, wav string) error {
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s is there already; it is not written over", wav)
	case errors.Is(err, vault.ErrNotEncrypted):
		return fmt.Errorf("%s is not encrypted", name)
	case errors.Is(err, vault.ErrNotFor):
		return fmt.Errorf("%s is encrypted to others than this identity", name)
	}
	return err
}
