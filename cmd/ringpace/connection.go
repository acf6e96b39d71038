package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"ringpace/dialer/api"
)

const defaultServer = "http://127.0.0.1:8080"

// answerTime is how long a command waits for the daemon, streams left out.
const answerTime = 30 * time.Second

// connection is how a command reaches the daemon, and how it answers.
type connection struct {
	server, token string
	json          bool
}

// dial declares the flags of a connection.
func dial(flags *pflag.FlagSet) *connection {
	c := &connection{}
	flags.StringVar(&c.server, "server", "", "where the daemon listens (RINGPACE_SERVER; default "+defaultServer+")")
	flags.StringVar(&c.token, "token", "", "who you are (RINGPACE_TOKEN)")
	flags.BoolVar(&c.json, "json", false, "answer as JSON")
	return c
}

// client makes the client, from the flags first, then the environment.
func (c *connection) client(t *terminal) (*api.Client, error) {
	server, token := c.server, c.token
	if server == "" {
		server = t.getenv("RINGPACE_SERVER")
	}
	if server == "" {
		server = defaultServer
	}
	if token == "" {
		token = t.getenv("RINGPACE_TOKEN")
	}
	client, err := api.NewClient(server, token)
	if err != nil {
		return nil, usage("%v", err)
	}
	return client, nil
}

// ask runs one exchange with the daemon.
func (c *connection) ask(ctx context.Context, t *terminal, exchange func(context.Context, *api.Client) error) error {
	client, err := c.client(t)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, stop := interruptible(ctx)
	defer stop()
	limited, cancel := context.WithTimeoutCause(ctx, answerTime, fmt.Errorf("the daemon does not answer within %v", answerTime))
	defer cancel()
	err = exchange(limited, client)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return context.Cause(limited)
	}
	return err
}

// show asks the daemon for a value and writes it, for people by render.
func show[T any](ctx context.Context, t *terminal, c *connection, get func(context.Context, *api.Client) (T, error), render func(T) error) error {
	return c.ask(ctx, t, func(ctx context.Context, client *api.Client) error {
		v, err := get(ctx, client)
		if err != nil {
			return err
		}
		if c.json {
			return t.json(v)
		}
		return render(v)
	})
}
