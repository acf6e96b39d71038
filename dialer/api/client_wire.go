package api

import (
	"context"
	"net/http"
	"time"
)

// Trace tells the messages of a call.
func (c *Client) Trace(ctx context.Context, id string) (*Trace, error) {
	return get[*Trace](ctx, c, path("v1", "calls", id, "trace"))
}

// Bans tells which sources are not heard.
func (c *Client) Bans(ctx context.Context) ([]Ban, error) { return get[[]Ban](ctx, c, "/v1/bans") }

// Ban bans an address; 0 is as long as the next ban would last.
func (c *Client) Ban(ctx context.Context, address string, length time.Duration) (Ban, error) {
	return post[Ban](ctx, c, "/v1/bans", map[string]any{"address": address, "for_s": length.Seconds()})
}

// LiftBan ends the ban of an address.
func (c *Client) LiftBan(ctx context.Context, address string) error {
	_, err := call[none](ctx, c, http.MethodDelete, path("v1", "bans", address), nil)
	return err
}
