//  Makes libzmq 4.3.5 keep messages whole. Included before each of its files; docs/decisions/0011 says why.
//
//  A pipe that ends while its message is half read makes libzmq end the process, or take another message for the rest.
//  It ends because of a peer, whenever a socket handles its commands. Two things keep that from meeting a message:
//  `recv` handles commands between messages only, and where a message is begun, it is taken from its pipe to its end.
//  Where a message is half sent, the end of another pipe does not make the rest of it go to somebody else.

//  zeromq-src also compiles files that are not libzmq's.
#if defined __cplusplus && __has_include("fq.hpp")

#include "precompiled.hpp"
#include "config.hpp"
#include "err.hpp"
#include "msg.hpp"
#include "pipe.hpp"

#if ZMQ_VERSION != 40305
#error "this was written for libzmq 4.3.5: see whether it still does what it says"
#endif

#include <vector>

//  `socket_base_t::recv` says `if (++_ticks == inbound_poll_rate)`. `_rcvmore` is what it said of the frame before.
#define inbound_poll_rate 0 || (_ticks >= 100 && !_rcvmore)

//  Only what is declared in these two headers becomes open, to the classes below.
#include "array.hpp"
#include "blob.hpp"
#define private protected
#include "fq.hpp"
#include "lb.hpp"
#undef private

namespace zmq
{
//  A fair queue that is never in the middle of a message: the frames that follow the first wait here. Sockets that are
//  asked whether there is a message read its first frame, so that they are in the middle of one while their program
//  does something else.
class whole_fq_t : public fq_t
{
  public:
    whole_fq_t () : _next (0), _from (NULL) {}
    ~whole_fq_t () { drop_rest (); }

    bool has_in () { return _next < _rest.size () || fq_t::has_in (); }

    int recv (msg_t *msg_) { return recvpipe (msg_, NULL); }

    int recvpipe (msg_t *msg_, pipe_t **pipe_)
    {
        if (_next < _rest.size ()) {
            const int rc = msg_->move (_rest[_next++]);
            errno_assert (rc == 0);
            if (_next == _rest.size ())
                drop_rest ();
        } else {
            do {
                if (fq_t::recvpipe (msg_, &_from) != 0)
                    return -1;
            } while (!take_rest ());
        }
        //  By now the pipe may be gone. Who asks compares it, or uses it with a first frame, when it is not.
        if (pipe_)
            *pipe_ = _from;
        return 0;
    }

  private:
    //  Pipes hand over whole messages, except those that keep the last frame only (CONFLATE). What is not whole there
    //  is dropped, like everything that a later one replaced.
    bool take_rest ()
    {
        while (_more) {
            if (!_from->check_read ()) {
                _more = false;
                drop_rest ();
                return false;
            }
            msg_t frame;
            int rc = frame.init ();
            errno_assert (rc == 0);
            _rest.push_back (frame);
            rc = fq_t::recvpipe (&_rest.back (), &_from);
            errno_assert (rc == 0);
        }
        return true;
    }

    void drop_rest ()
    {
        while (_next < _rest.size ()) {
            const int rc = _rest[_next++].close ();
            errno_assert (rc == 0);
        }
        _next = 0;
        _rest.clear ();
        //  One long message is not a reason to keep so much for ever.
        if (_rest.capacity () > 64)
            std::vector<msg_t> ().swap (_rest);
    }

    std::vector<msg_t> _rest;
    std::vector<msg_t>::size_type _next;
    pipe_t *_from;
};

//  A load balancer that goes on where it began: pipes change places when one of them ends.
class steady_lb_t : public lb_t
{
  public:
    void pipe_terminated (pipe_t *pipe_)
    {
        pipe_t *const current = _more && !_dropping ? _pipes[_current] : NULL;
        lb_t::pipe_terminated (pipe_);
        if (current != NULL && current != pipe_)
            _current = _pipes.index (current);
    }
};

//  Where a ROUTER notes the pipe of the message that it has begun, to end it later if its name is handed over. It may be
//  gone by then. No message needs it any more, so it is ended at once: it is never the one that is noted.
class no_pipe_t
{
  public:
    no_pipe_t (pipe_t *) {}
    pipe_t *operator-> () const { return NULL; }
};

inline bool operator== (const pipe_t *, const no_pipe_t &)
{
    return false;
}
}

//  All that have one.
#define fq_t whole_fq_t
#define lb_t steady_lb_t
#include "client.hpp"
#include "dealer.hpp"
#include "dish.hpp"
#include "gather.hpp"
#include "pull.hpp"
#include "push.hpp"
//  `pipe_t *_current_in;` becomes one that is not used, and ours.
#define _current_in _noted_in; no_pipe_t _current_in
#include "router.hpp"
#undef _current_in
#include "scatter.hpp"
#include "server.hpp"
#include "stream.hpp"
#include "xsub.hpp"
#undef fq_t
#undef lb_t

#endif
