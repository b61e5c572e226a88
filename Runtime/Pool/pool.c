#include "heed_pool.h"
