// The header is C++, too.
#include "check.h"

#include <string>

int main() {
  zpat_socket_options_t options = ZPAT_SOCKET_OPTIONS_INIT;
  zpat_context_t *context = open_context();
  zpat_socket_t *pull = nullptr, *push = open_socket(context, ZPAT_PUSH);
  options.background = 1;
  OK(zpat_socket_open(context, ZPAT_PULL, &options, &pull));
  join(pull, push);
  const std::string text = "from C++";
  OK(zpat_socket_send(push, text.data(), text.size(), LONG, nullptr));
  expect(pull, text.c_str());
  OK(zpat_socket_close(&push, 0));
  OK(zpat_socket_close(&pull, 0));
  OK(zpat_context_close(&context));
  return 0;
}
