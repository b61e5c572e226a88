#include "heed_abi.h"
