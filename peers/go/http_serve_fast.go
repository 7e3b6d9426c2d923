//go:build fasthttp

// This file owns the service http with fasthttp's server, on a listener that
// numbers and reports connections. What is answered is the site's to say.
package main

import (
	"bytes"
	"io"
	"log"
	"net/http"

	"github.com/valyala/fasthttp"
)

// contentLimit is how many octets of content the server takes.
const contentLimit = 64 << 20

func (s *service) serveFast(content site) error {
	listener, err := s.listen()
	if err != nil {
		return err
	}
	server := &fasthttp.Server{
		Handler:                       content.answerFast,
		DisableHeaderNamesNormalizing: true,
		NoDefaultContentType:          true,
		ReadBufferSize:                headLimit,
		MaxRequestBodySize:            contentLimit,
		Logger:                        log.New(io.Discard, "", 0),
	}
	_ = server.Serve(siteListener{listener, s}) // it returns after a stop
	_ = listener.Close()
	return nil
}

// answerFast answers a whole request, and reports both.
func (s site) answerFast(ctx *fasthttp.RequestCtx) {
	conn := ctx.Conn().(*siteConn)
	request, content := &ctx.Request.Header, ctx.Request.Body()
	method, target := string(request.Method()), string(request.RequestURI())
	received, sent := tally{silent: conn.report == nil}, tally{silent: conn.report == nil}
	_, _ = received.Write(content)
	if conn.report != nil {
		conn.report.add(step{name: "request", count: &received, members: exchangeRequest{
			Method: method, Target: latin1(target), Version: string(request.Protocol()), Fields: fastFields(request.All()),
		}})
	}
	a := s.find(method, target, string(bytes.Join(request.PeekAll("If-None-Match"), []byte(","))))
	body := a.writeFast(ctx, content)
	if mayHaveContent(method, a.status) {
		_ = body.copyTo(&sent)
	}
	if conn.report != nil {
		conn.report.add(step{name: "response", count: &sent, members: exchangeResponse{a.status}})
	}
}

// writeFast hands an answer over to fasthttp, and returns its content.
func (a answer) writeFast(ctx *fasthttp.RequestCtx, mirrored []byte) recipe {
	header, body := http.Header{}, recipe{}
	if a.allow != "" {
		header.Set("Allow", a.allow)
	}
	if a.resource != nil {
		like := &http.Request{Header: http.Header{}}
		if kind := ctx.Request.Header.ContentType(); len(kind) > 0 {
			like.Header["Content-Type"] = []string{string(kind)}
		}
		body = a.resource.describe(header, like, a.status, bytes.Clone(mirrored))
	}
	response := &ctx.Response
	response.SetStatusCode(a.status)
	for name, values := range header {
		for _, value := range values {
			response.Header.Add(name, value)
		}
	}
	if a.resource != nil && a.resource.chunked {
		response.SetBodyStream(body.open(), -1)
	} else {
		response.SetBodyRaw(body.all())
	}
	return body
}

// fastFields are fields as fasthttp hands them over, decoded as Latin-1.
func fastFields(all func(func(name, value []byte) bool)) [][2]string {
	fields := [][2]string{}
	all(func(name, value []byte) bool {
		fields = append(fields, [2]string{latin1(string(name)), latin1(string(value))})
		return true
	})
	return fields
}
