// Package load decides who of those who ask has to wait, and for how long: [Places] for
// costly answers, a [Queue] for tiles, [Hands] that help one answer, [Memory] for what is on
// its way in and out, and [Buckets] for how often somebody asks.
//
// Whoever asks is a value that can be compared: a token's name or a network. What is given
// out is bounded by numbers that the caller sets, and shared so that none who asks for much
// keeps others from what is left.
//
// It knows no request, no tile and no edition, and writes no answer: who is told to come
// again gets one of its two problems.
package load

import "gengtu/index/problem"

// The problems of those who are told to come again.
var (
	// ErrBusy is of one who has waited as long as anybody waits.
	ErrBusy = problem.New("TOO_MANY", "请求太多", "there are too many requests at once").
		Advise("稍后再试", "try again later")
	// ErrOverloaded is of one who is not let wait, as there are too many who do, and of one
	// whose request takes more memory than is left.
	ErrOverloaded = problem.New("OVERLOADED", "服务器现在太忙", "the server has too much to do now").
			Advise("请稍后再试", "try again in a while")
)
