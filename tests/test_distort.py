"""Distorted images: how far each kind of distortion goes, and that chance comes from the seed alone."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from nndl.data import Dataset, distort
from nndl.data.distort import distorted, sample, sources
from nndl.data.expand import expand
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


def test_images_are_turned_about_their_middle_and_then_moved():
    there, here = places(rotation=180.0, shift=2.0)
    there += here  # from the middle
    moved = there.mean(axis=(2, 3))  # what becomes of the middle itself
    assert abs(moved).max() <= 2.001 and moved.min() < -1.9 and moved.max() > 1.9
    near, far = np.hypot(*(there - moved[:, :, None, None])), np.hypot(*here)
    np.testing.assert_allclose(near, np.broadcast_to(far, near.shape), atol=2e-4)


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
    rng.random(6 * 3, np.float32)  # what the other distortions have drawn
    noise = 34 * (2 * rng.random((2, 3, 20, 28), np.float32) - 1)
    expected = gaussian_filter(noise, (0, 0, 3, 3), mode="constant")
    np.testing.assert_allclose(moved, expected, atol=2e-4)


def test_between_pixels_images_are_read_linearly():
    image = np.array([[[0, 100], [200, 40]]], np.uint8)
    where = np.array([[[[0.5, 0.0, 1.0, -3.0]]], [[[0.0, 0.25, 1.0, 0.0]]]], np.float32)
    assert sample(image, where).tolist() == [[[100, 25, 40, 0]]]


def test_what_is_read_is_rounded_to_the_nearest_byte():
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (5, 7, 9), np.uint8)
    where = rng.random((2, 5, 11, 13)) * np.array([6, 8])[:, None, None, None]
    read = sample(images, where.astype(np.float32))
    assert read.shape == (5, 11, 13) and read.dtype == np.uint8
    which, (rows, columns) = np.arange(5)[:, None, None], where
    expected = sum(images[which, row, column] * (1 - abs(rows - row)) * (1 - abs(columns - column))
                   for row in (np.floor(rows).astype(int), np.floor(rows).astype(int) + 1)
                   for column in (np.floor(columns).astype(int), np.floor(columns).astype(int) + 1))
    error = read - expected
    assert abs(error).max() < 0.5 + 1e-3 and error.min() < -0.45 and error.max() > 0.45


def test_at_the_edge_images_fade_over_a_pixel():
    image = np.full((1, 3, 4), 200, np.uint8)
    for beyond, value in ((0.0, 200), (0.25, 150), (0.5, 100), (1.0, 0), (1.25, 0), (1e9, 0)):
        places = np.array([(-beyond, 1.5), (2 + beyond, 1.5), (1.0, -beyond), (1.0, 3 + beyond)])
        read = sample(image, places.T[:, None, None].astype(np.float32))
        assert read.tolist() == [[[value] * 4]], beyond
    corner = np.full((2, 1, 1, 1), -0.5, np.float32)
    assert sample(image, corner).item() == 50


def test_many_images_are_distorted_a_few_at_a_time(monkeypatch):
    monkeypatch.setattr(distort, "AT_ONCE", 7)
    images, labels = digits(20)
    numbers, rng = np.random.default_rng(0).permutation(20), np.random.default_rng(0)
    still = distorted(Dataset(images, labels), **NONE).images.make(numbers, rng)
    assert np.array_equal(still, images[numbers])
    same = distorted(Dataset(images, labels)).images.make(np.full(20, 3), rng)
    assert len({image.tobytes() for image in same}) == 20  # each has its own chance


def test_images_that_are_made_can_be_distorted_too():
    images, labels = digits(6)
    data = distorted(expand(Dataset(images, labels)), **NONE)
    assert np.array_equal(data.images[:], expand(Dataset(images, labels)).images[:])
    assert len(data.labels) == 30 and "shifted" in data.images.fingerprint()


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


@pytest.mark.parametrize("settings, says", [
    ({"rotation": -1}, "rotation must be a number, at least 0, not -1"),
    ({"elastic": "much"}, "elastic must be a number, at least 0, not 'much'"),
    ({"sigma": float("inf")}, "sigma must be a number, at least 0, not inf"),
    ({"shift": float("nan")}, "shift must be a number, at least 0, not nan"),
    ({"shear": True}, "shear must be a number, at least 0, not True"),
    ({"scale": 1.0}, "scale must be below 1, not 1.0"),
    ({"sigma": 0}, "sigma must be above 0.*without bending it is elastic=0"),
])
def test_settings_that_make_no_sense_are_refused(settings, says):
    with pytest.raises(ValueError, match=says):
        distorted(Dataset(*digits(2)), **settings)


def test_settings_may_be_numpys_numbers():
    data = Dataset(*digits(2))
    one, other = (distorted(data, shift=shift, sigma=sigma).images.fingerprint()
                  for shift, sigma in ((np.float32(1.5), np.int64(4)), (1.5, 4.0)))
    assert one == other


def test_images_must_be_rows_of_bytes():
    images, labels = digits(2)
    with pytest.raises(TypeError, match=r"must be bytes .* not float32; .* \(256 \* images\).astype"):
        distorted((images / np.float32(256), labels))
    with pytest.raises(ValueError, match=r"must be \(n, h, w\), not \(2, 784\); .*reshape\(-1, 28, 28"):
        distorted((images.reshape(2, -1), labels))
