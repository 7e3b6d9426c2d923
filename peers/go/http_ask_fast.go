//go:build fasthttp

// This file owns asking with fasthttp's client, on connections that belong to
// one conversation.
package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"

	"github.com/valyala/fasthttp"
)

// fastClient is the client of one conversation.
type fastClient struct {
	asking *asking
	client *fasthttp.HostClient
	unbind func() bool
}

func newFastClient(a *asking) httpClient {
	return fastClient{a, &fasthttp.HostClient{
		Addr: a.to.String(), Dial: func(string) (net.Conn, error) { return a.dial() }, MaxConns: 1,
		NoDefaultUserAgentHeader: true, DisableHeaderNamesNormalizing: true, DisablePathNormalizing: true,
		ReadBufferSize: headLimit, StreamResponseBody: true, MaxIdemponentCallAttempts: 1,
	}, context.AfterFunc(a.ctx, a.shut)} // fasthttp knows no context: what it waits for ends with its connection
}

func (c fastClient) exchange(q question) error {
	request, response := &fasthttp.Request{}, &fasthttp.Response{}
	q.fast(request, c.asking.to)
	if err := c.client.Do(request, response); err != nil {
		if late := c.asking.ctx.Err(); late != nil {
			return late
		}
		return err
	}
	got := newKeeper(q.keep)
	err := drinkFast(response, got)
	return c.asking.answered(answered{
		Status: response.StatusCode(), Reason: latin1(string(response.Header.StatusMessage())), Version: string(response.Header.Protocol()),
		Fields: fastFields(response.Header.All()),
	}, got, err)
}

func (c fastClient) early(err error) bool { return errors.Is(err, fasthttp.ErrConnectionClosed) }

func (c fastClient) rest() { c.unbind() }

func drinkFast(response *fasthttp.Response, into io.Writer) error {
	stream := response.BodyStream()
	if stream == nil {
		_, err := into.Write(response.Body())
		return err
	}
	_, err := io.Copy(into, stream)
	if closed := response.CloseBodyStream(); err == nil {
		err = closed
	}
	return err
}

// fast is the request as fasthttp has it.
func (q *question) fast(request *fasthttp.Request, to netip.AddrPort) {
	request.Header.DisableNormalizing()
	request.Header.SetNoDefaultContentType(true)
	request.Header.SetMethod(q.method)
	request.URI().DisablePathNormalizing = true
	request.SetRequestURI("http://" + authority(to) + q.target)
	for _, field := range q.fields {
		request.Header.Add(field[0], toLatin1(field[1]))
		if strings.EqualFold(field[0], "Host") {
			request.UseHostHeader = true
		}
	}
	switch {
	case q.body == nil:
	case q.chunked:
		request.SetBodyStream(q.body.open(), -1)
	default:
		request.SetBodyRaw(q.body.all())
	}
}
