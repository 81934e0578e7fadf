"""Tests of Hour Lake."""
