import { crowd } from './crowd.mjs'

crowd(9)
