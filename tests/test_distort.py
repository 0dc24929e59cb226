"""Distorted images: how far each kind of distortion goes, and that chance comes from the seed alone."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from nndl.data import Dataset
from nndl.data.distort import distorted, sample, sources
from tests.nets import digits

NONE = {"rotation": 0.0, "scale": 0.0, "shear": 0.0, "shift": 0.0, "elastic": 0.0, "sigma": 4.0}


def places(m=200, h=28, w=28, **settings):
    """Where pixels come from, less where they are: (2, m, h, w); and the latter, about the middle."""
    here = np.mgrid[:h, :w][:, None]
    where = sources(m, h, w, np.random.default_rng(0), **NONE | settings)
    return where - here, here - np.array([h - 1, w - 1])[:, None, None, None] / 2


def test_without_distortion_images_stay_as_they_are():
    images, labels = digits(5)
    data = distorted(Dataset(images, labels), **NONE)
    assert np.array_equal(data.images[:], images) and data.labels is labels
    assert data.images.shape == images.shape and data.images.dtype == np.uint8


def test_shifts_move_all_pixels_alike_by_as_much_as_is_said():
    moved, _ = places(shift=2.0)
    assert np.ptp(moved, axis=(2, 3)).max() < 1e-4
    assert abs(moved).max() <= 2.001 and abs(moved[:, :, 0, 0].min(axis=1) + 2).max() < 0.1


def test_rotations_keep_distances_from_the_middle():
    moved, here = places(rotation=30.0)
    there = here + moved
    near, far = np.hypot(*there), np.broadcast_to(np.hypot(*here), there.shape[1:])
    np.testing.assert_allclose(near, far, atol=1e-4)
    angle = np.degrees(np.arctan2(there[0], there[1]) - np.arctan2(here[0], here[1]))[:, 0, 0]
    angle = (angle + 180) % 360 - 180
    assert 28 < abs(angle).max() <= 30.01 and angle.min() < 0 < angle.max()


def test_scales_and_slants():
    moved, here = places(scale=0.2)
    for axis in (0, 1):
        by = moved[axis] / here[axis]
        assert np.ptp(by, axis=(1, 2)).max() < 1e-4 and 0.19 < abs(by).max() <= 0.2001
    moved, here = places(shear=0.3)
    assert abs(moved[0]).max() < 1e-4  # rows stay
    by = moved[1] / here[0]
    assert np.ptp(by, axis=(1, 2)).max() < 1e-4 and 0.29 < abs(by).max() <= 0.3001


def test_bending_is_the_papers():
    """Uniform noise behind a Gaussian filter, zeros outside."""
    moved, _ = places(m=3, h=20, w=28, elastic=34.0, sigma=3.0)
    rng = np.random.default_rng(0)
    for _ in range(6):
        rng.uniform(0, 1, 3)  # what the other distortions have drawn
    noise = rng.uniform(-34, 34, (2, 3, 20, 28)).astype(np.float32)
    expected = gaussian_filter(noise, (0, 0, 3, 3), mode="constant")
    np.testing.assert_allclose(moved, expected, atol=2e-4)


def test_between_pixels_images_are_read_linearly():
    image = np.array([[[0, 100], [200, 40]]], np.uint8)
    where = np.array([[[[0.5, 0.0, 1.0, -3.0]]], [[[0.0, 0.25, 1.0, 0.0]]]], np.float32)
    assert sample(image, where).tolist() == [[[100, 25, 40, 0]]]


def test_chance_comes_from_the_seed_alone():
    images, labels = digits(40)
    data = distorted(Dataset(images, labels))
    one, same, other = (data.images.make(np.arange(40), np.random.default_rng(seed))
                        for seed in (1, 1, 2))
    assert np.array_equal(one, same) and np.mean(one != other) > 0.3
    assert not np.array_equal(one[0], images[0])
    prints = {distorted(Dataset(images[:n], labels[:n]), shear=shear).images.fingerprint()
              for n in (39, 40) for shear in (0.1, 0.2)}
    assert len(prints) == 4


@pytest.mark.parametrize("settings", [{"rotation": -1}, {"elastic": "much"}, {"sigma": float("inf")}])
def test_settings_that_make_no_sense_are_refused(settings):
    with pytest.raises(ValueError, match=f"{next(iter(settings))} must be a number, at least 0, not"):
        distorted(Dataset(*digits(2)), **settings)
