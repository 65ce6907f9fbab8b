import { crowd } from '../crowd.mjs'

crowd(24)
